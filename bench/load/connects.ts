/**
 * Who connects, and when.
 *
 * @module
 */

import type { Part } from "./part.ts";

const SLOT_MS = 5;

/** Each client once, evenly within the ramp; and again whoever is to try again. */
export class Connects {
  readonly #clients: number;
  readonly #rampMs: number;
  readonly #startAt: number;
  #started = 0;
  /** Who tries again, by slots of time. */
  readonly #retries = new Map<number, number[]>();
  #slot: number;

  constructor({ clients, rampMs }: Part, now: number) {
    this.#clients = clients;
    this.#rampMs = rampMs;
    this.#startAt = now;
    this.#slot = Math.floor(now / SLOT_MS);
  }

  /** The next client whose time has come; -1 when there is none. */
  next(now: number): number {
    if (this.#started < this.#clients && this.#rampAt() <= now) return this.#started++;
    for (; this.#slot <= now / SLOT_MS; this.#slot++) {
      const client = this.#retries.get(this.#slot)?.pop();
      if (client !== undefined) return client;
      this.#retries.delete(this.#slot);
    }
    return -1;
  }

  /** Has a client connect again at that time. */
  retry(client: number, at: number): void {
    const slot = Math.max(this.#slot, Math.ceil(at / SLOT_MS));
    const clients = this.#retries.get(slot);
    if (clients === undefined) this.#retries.set(slot, [client]);
    else clients.push(client);
  }

  /** When to ask again, once `next` has given -1. */
  nextAt(): number {
    const rampAt = this.#started < this.#clients ? this.#rampAt() : Infinity;
    return this.#retries.size === 0 ? rampAt : Math.min(rampAt, this.#slot * SLOT_MS);
  }

  #rampAt(): number {
    return this.#startAt + (this.#started / this.#clients) * this.#rampMs;
  }
}
