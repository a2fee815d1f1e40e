/**
 * The sockets that a gateway holds: open ones, and those on their way in or out.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";

/** The part of a WebSocket that is needed to end it. */
export interface Closable {
  close(code: number, reason: string): void;
}

/** How long a client may take to answer a close frame. */
const CLOSE_GRACE_MS = 5000;

/** Counts sockets, and sees to it that each one ends after it was closed. */
export class Sockets {
  readonly #terminate: (socket: object) => void;
  readonly #clock: Clock;
  readonly #closing = new Map<object, Timer>();
  #count = 0;

  /** @param terminate Cuts a socket at once. */
  constructor(terminate: (socket: object) => void, clock: Clock) {
    this.#terminate = terminate;
    this.#clock = clock;
  }

  /** Sockets held, those that open or close included, and upgrades that wait for the backend. */
  get count(): number {
    return this.#count;
  }

  /** One more is on its way in. */
  enter(): void {
    this.#count++;
  }

  /** One has ended: its close event came, or its upgrade was refused. */
  leave(socket?: object): void {
    this.#count--;
    const timer = socket === undefined ? undefined : this.#closing.get(socket);
    if (socket === undefined || timer === undefined) return;
    this.#clock.clearTimeout(timer);
    this.#closing.delete(socket);
  }

  /**
   * Closes a socket, and cuts it when the client does not answer in time: one that does not read
   * would otherwise keep what is buffered for it.
   */
  close(socket: Closable, code: number, reason: string): void {
    try {
      socket.close(code, reason);
    } catch {
      // It is closed already.
    }
    this.#closing.set(socket, this.#clock.setTimeout(() => this.cut(socket), CLOSE_GRACE_MS));
  }

  /** Cuts a socket at once, without a close frame; its close event follows. */
  cut(socket: object): void {
    this.#terminate(socket);
  }

  /** Cuts all that were closed and have not ended. */
  cutClosing(): void {
    for (const socket of this.#closing.keys()) this.cut(socket);
  }
}
