/**
 * A client's WebSocket as the gateway sees it, and what makes one of an upgrade.
 *
 * @module
 */

import type { HttpRequest } from "../request.ts";

/** The part of a WebSocket that a connection uses: events `open`, `message`, `error` and `close`. */
export interface Socket extends EventTarget {
  send(text: string): void;
  close(code: number, reason: string): void;
  /** Bytes that the client has not taken yet. */
  readonly bufferedAmount: number;
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
  readonly response: Response;
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
  opened(socket: EventTarget): void;
  /** Lets go of what is left of a socket whose close event has come. */
  closed(socket: object): void;
}
