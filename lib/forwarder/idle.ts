/**
 * Connections that wait for their next request.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import type { HttpConnection } from "./http_connection.ts";

/** Keeps idle connections for as long as the backend can be expected to do the same. */
export class IdleConnections {
  readonly #max: number;
  readonly #clock: Clock;
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
    if (idleMs <= 0 || this.#stack.length >= this.#max) return connection.close();
    connection.idleUntil = now + idleMs;
    this.#stack.push(connection);
    this.#timer ??= this.#clock.setTimeout(() => this.#closeOld(), idleMs);
  }

  /** Takes one that can be used now; undefined when there is none. */
  take(now: number): HttpConnection | undefined {
    for (let last = this.#stack.pop(); last !== undefined; last = this.#stack.pop()) {
      if (last.idleUntil > now) return last;
      last.close();
    }
    return undefined;
  }

  /** The connection was closed; it need not be here. */
  remove(connection: HttpConnection): void {
    const at = this.#stack.lastIndexOf(connection);
    if (at !== -1) this.#stack.splice(at, 1);
  }

  /** Closes all. */
  close(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    for (const connection of this.#stack.splice(0)) connection.close();
  }

  #closeOld(): void {
    const now = this.#clock.now();
    for (const connection of [...this.#stack]) {
      // Leaves the stack by `remove`.
      if (connection.idleUntil <= now) connection.close();
    }
    this.#timer = undefined;
    const next = Math.min(...this.#stack.map(({ idleUntil }) => idleUntil));
    if (next !== Infinity) {
      this.#timer = this.#clock.setTimeout(() => this.#closeOld(), next - now);
    }
  }
}
