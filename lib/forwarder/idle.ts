/**
 * Connections that wait for their next request.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import type { HttpConnection } from "./http_connection.ts";

interface Idle {
  readonly connection: HttpConnection;
  /** From then on the backend may close it at any moment. */
  readonly until: number;
}

/** Keeps idle connections for as long as the backend can be expected to do the same. */
export class IdleConnections {
  readonly #max: number;
  readonly #clock: Clock;
  /** The one used last is used next, so that those too many grow old and go. */
  readonly #stack: Idle[] = [];
  #timer: Timer | undefined;

  /** @param max More than these are closed at once. */
  constructor(max: number, clock: Clock) {
    this.#max = max;
    this.#clock = clock;
  }

  /** Keeps a connection for `idleMs`, or closes it. */
  put(connection: HttpConnection, idleMs: number): void {
    if (idleMs <= 0 || this.#stack.length >= this.#max) return connection.close();
    this.#stack.push({ connection, until: this.#clock.now() + idleMs });
    this.#timer ??= this.#clock.setTimeout(() => this.#closeOld(), idleMs);
  }

  /** Takes one that can be used now; undefined when there is none. */
  take(now: number): HttpConnection | undefined {
    for (let idle = this.#stack.pop(); idle !== undefined; idle = this.#stack.pop()) {
      if (idle.until > now) return idle.connection;
      idle.connection.close();
    }
    return undefined;
  }

  /** The connection was closed; it need not be here. */
  remove(connection: HttpConnection): void {
    const at = this.#stack.findLastIndex((idle) => idle.connection === connection);
    if (at !== -1) this.#stack.splice(at, 1);
  }

  /** Closes all. */
  close(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    for (const { connection } of this.#stack.splice(0)) connection.close();
  }

  #closeOld(): void {
    const now = this.#clock.now();
    for (const idle of [...this.#stack]) {
      // Leaves the stack by `remove`.
      if (idle.until <= now) idle.connection.close();
    }
    this.#timer = undefined;
    const next = Math.min(...this.#stack.map(({ until }) => until));
    if (next !== Infinity) {
      this.#timer = this.#clock.setTimeout(() => this.#closeOld(), next - now);
    }
  }
}
