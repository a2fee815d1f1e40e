/**
 * The client as the one who calls.
 *
 * @module
 */

import type { Call } from "../codec/frame.ts";
import type { Dialect } from "../codec/subprotocol.ts";
import type { Identity } from "../identity.ts";

/** The connection that the CALLs came on. */
export interface Caller extends Identity {
  readonly dialect: Dialect;
  /** Sends the frame that answers a CALL; one for a connection that is closed is dropped. */
  answer(text: string, call: Call): void;
  /** The client goes on sending though its queue is full: it is to be closed. */
  queueFull(): void;
  /** The backend is away: the client is to be closed in place of an answer. */
  backendAway(): void;
  /** One that waited has its turn: there may be room again. */
  callsMoved(): void;
  /** None is waiting or under way any more. */
  callsDone(): void;
}
