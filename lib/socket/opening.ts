/**
 * A socket whose upgrade is on the way.
 *
 * @module
 */

import type { Socket, SocketEnd, SocketEventType } from "./socket.ts";
import type { Sockets } from "./sockets.ts";

/** What becomes of it. Exactly one of both is called, once. */
export interface OpeningEnds {
  /** It is open, and from now on its owner's: `message` and `close` come to nobody else. */
  onOpen(): void;
  /** It does not open: its client went, or took too long. */
  onNever(end: SocketEnd): void;
}

/** What is said of a socket of which no close event tells. */
const WITHOUT_WORD: SocketEnd = { wasClean: false, code: 1006, reason: "" };

/**
 * Waits until a socket opens, and no longer than `Sockets` lets it. It is the socket's only listener
 * until then, and lets go of it at the end: what an open socket keeps, it keeps 100,000 times.
 */
export class Opening implements EventListenerObject {
  readonly #socket: Socket;
  readonly #sockets: Sockets;
  readonly #ends: OpeningEnds;
  #isGivenUp = false;

  constructor(socket: Socket, sockets: Sockets, ends: OpeningEnds) {
    this.#socket = socket;
    this.#sockets = sockets;
    this.#ends = ends;
    sockets.enterOpening(socket, () => this.#giveUp(WITHOUT_WORD));
    for (const type of ["open", "error", "close"] as const) socket.addEventListener(type, this);
  }

  handleEvent(event: Event): void {
    const { type } = event;
    this.#forget(type as SocketEventType);
    if (type === "open") return this.#open();
    this.#sockets.leave(this.#socket);
    // Of a client that went before its upgrade was done comes an error, and no close event then.
    this.#giveUp(type === "close" ? event as CloseEvent : WITHOUT_WORD);
  }

  #open(): void {
    // Too late, and its client has to connect again.
    if (this.#isGivenUp) return this.#sockets.cut(this.#socket);
    // From here on a close event comes after each error.
    for (const type of ["error", "close"] as const) this.#forget(type);
    this.#sockets.opened(this.#socket);
    this.#ends.onOpen();
  }

  #giveUp(end: SocketEnd): void {
    this.#isGivenUp = true;
    for (const type of ["error", "close"] as const) this.#forget(type);
    this.#ends.onNever(end);
  }

  #forget(type: SocketEventType): void {
    this.#socket.removeEventListener(type, this);
  }
}
