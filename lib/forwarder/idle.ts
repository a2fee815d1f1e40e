/**
 * Connections that wait for their next request.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import type { HttpConnection } from "./http_connection.ts";

/**
 * A connection is not used again so soon, while there is another: what a backend sends behind its answer,
 * which nobody asked for, may be on the way, and would be read as the answer to the next request.
 */
const REST_MS = 1;

/** Keeps idle connections for as long as the backend can be expected to do the same. */
export class IdleConnections {
  readonly #max: number;
  readonly #clock: Clock;
  /** Those answered just now, the oldest first. */
  readonly #resting: HttpConnection[] = [];
  /** The one used last is used next, so that those too many grow old and go. */
  readonly #stack: HttpConnection[] = [];
  #timer: Timer | undefined;

  /** @param max More than these are closed at once. */
  constructor(max: number, clock: Clock) {
    this.#max = max;
    this.#clock = clock;
  }

  /** Keeps a connection for `idleMs`, or closes it. */
  put(connection: HttpConnection, idleMs: number, now: number): void {
    const count = this.#stack.length + this.#resting.length;
    if (idleMs <= 0 || count >= this.#max) return connection.close();
    connection.idleSince = now;
    connection.idleUntil = now + idleMs;
    this.#resting.push(connection);
    this.#timer ??= this.#clock.setTimeout(() => this.#closeOld(), idleMs);
  }

  /** Takes one that can be used now; undefined when there is none. */
  take(now: number): HttpConnection | undefined {
    while (this.#resting.length > 0 && this.#resting[0]!.idleSince + REST_MS <= now) {
      this.#stack.push(this.#resting.shift()!);
    }
    for (let last = this.#stack.pop(); last !== undefined; last = this.#stack.pop()) {
      if (last.idleUntil > now) return last;
      last.close();
    }
    return this.#resting.shift();
  }

  /** The connection was closed; it need not be here. */
  remove(connection: HttpConnection): void {
    for (const list of [this.#stack, this.#resting]) {
      const at = list.lastIndexOf(connection);
      if (at !== -1) list.splice(at, 1);
    }
  }

  /** Closes all. */
  close(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    for (const connection of this.#all) connection.close();
  }

  /** A copy: one that is closed leaves by `remove`. */
  get #all(): HttpConnection[] {
    return [...this.#stack, ...this.#resting];
  }

  #closeOld(): void {
    const now = this.#clock.now();
    for (const connection of this.#all) {
      if (connection.idleUntil <= now) connection.close();
    }
    this.#timer = undefined;
    const next = Math.min(...this.#all.map(({ idleUntil }) => idleUntil));
    if (next !== Infinity) {
      this.#timer = this.#clock.setTimeout(() => this.#closeOld(), next - now);
    }
  }
}
