/**
 * A client's WebSocket as the gateway sees it, and what makes one of an upgrade.
 *
 * @module
 */

import type { HttpRequest, Switched } from "../request.ts";

/** In place of the data of a message that was refused for its length, before it came. Nothing follows it. */
export const OVERSIZED: unique symbol = Symbol("a message that is too large");

/**
 * What there is to tell of a socket. `message` has `data`: a string for a text, anything else for what is
 * none. `close` is a `SocketEnd`.
 */
export type SocketEventType = "open" | "message" | "error" | "close";

/**
 * The part of a WebSocket that a connection uses. It has one listener for each type of event at a time.
 */
export interface Socket {
  addEventListener(type: SocketEventType, listener: EventListenerObject): void;
  removeEventListener(type: SocketEventType, listener: EventListenerObject): void;
  send(text: string): void;
  close(code: number, reason: string): void;
  /** Bytes that the client has not taken yet. */
  readonly bufferedAmount: number;
  /**
   * Reads nothing more of the client until `release`: no `message` comes in between, and none is lost.
   * Absent where the implementation cannot. Both are idempotent, and do nothing once it is closed.
   */
  hold?(): void;
  /** Goes on with what came before and reads again; messages may come before it returns. */
  release?(): void;
}

/** How a socket ended, as its close event tells. */
export interface SocketEnd {
  /** Whether there was a close frame of the client. */
  readonly wasClean: boolean;
  readonly code: number;
  readonly reason: string;
}

/** What an upgrade becomes. */
export interface Upgraded {
  /** To be returned to whoever asked: the socket opens afterwards. */
  readonly response: Response | Switched;
  /** Its `open` event comes, or `error` or `close`, or nothing at all when the client goes just then. */
  readonly socket: Socket;
}

/** An implementation of WebSockets. */
export interface SocketMaker {
  /**
   * Accepts an upgrade.
   *
   * @param request A valid WebSocket handshake.
   * @param protocol The subprotocol that was agreed; null for none.
   * @param idleSeconds A client that is silent for so long is given up, and pinged after half of it; 0
   *   for neither.
   */
  upgrade(request: HttpRequest, protocol: string | null, idleSeconds: number): Upgraded;
  /** Ends a socket at once, without a close frame; its close event follows. */
  cut(socket: object): void;
  /** Lets go of what an open socket keeps of its upgrade. To be called when its open event is over. */
  opened(socket: object): void;
  /** Lets go of what is left of a socket whose close event has come. */
  closed(socket: object): void;
}
