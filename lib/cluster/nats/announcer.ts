/**
 * Telling others of connections, more than once.
 *
 * @module
 */

import type { Clock, Timer } from "../../clock.ts";
import { ANNOUNCE_AGAIN_MS, ANNOUNCE_PAUSE_MS } from "../times.ts";

/** So many are announced in one go. */
const AT_ONCE = 500;

/** One connection of a client. */
export interface Announced {
  readonly clientId: string;
  readonly connectionId: string;
}

/**
 * Owns what is still to be announced.
 *
 * Always true until the close: it stands in the order in which it is due, and while there is any, a
 * timer waits.
 */
export class Announcer {
  readonly #clock: Clock;
  readonly #announce: (announced: Announced) => void;
  #waiting: (Announced & { readonly at: number })[] = [];
  #timer: Timer | undefined;
  #isClosed = false;

  /** @param announce Says it, if it is still so. */
  constructor(clock: Clock, announce: (announced: Announced) => void) {
    this.#clock = clock;
    this.#announce = announce;
  }

  /** Announces one now and once more. */
  add({ clientId, connectionId }: Announced): void {
    if (this.#isClosed) return;
    this.#announce({ clientId, connectionId });
    this.#waiting.push({ clientId, connectionId, at: this.#clock.now() + ANNOUNCE_AGAIN_MS });
    this.#timer ??= this.#clock.setTimeout(() => this.#announceDue(), ANNOUNCE_AGAIN_MS);
  }

  /** Announces these, now and once more, and nothing else of what waits. */
  addAll(all: readonly Announced[]): void {
    if (this.#isClosed) return;
    const now = this.#clock.now();
    this.#waiting = [now, now + ANNOUNCE_AGAIN_MS].flatMap((at) =>
      all.map(({ clientId, connectionId }) => ({ clientId, connectionId, at }))
    );
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = this.#clock.setTimeout(() => this.#announceDue(), 0);
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
  }

  #announceDue(): void {
    const now = this.#clock.now();
    const due = this.#waiting.slice(0, AT_ONCE).filter(({ at }) => at <= now);
    for (const announced of due) this.#announce(announced);
    this.#waiting = this.#waiting.slice(due.length);
    const first = this.#waiting[0];
    this.#timer = first === undefined ? undefined : this.#clock.setTimeout(
      () => this.#announceDue(),
      Math.max(first.at - now, ANNOUNCE_PAUSE_MS),
    );
  }
}
