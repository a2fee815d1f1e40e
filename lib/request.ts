/**
 * An HTTP request that came in.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";

/** The headers of a request; names in lower case. */
export type RequestHeaders = Pick<Headers, "get" | "has">;

/** A request as its line and its headers had it: a `Request` would resolve dot segments. */
export interface HttpRequest {
  readonly method: string;
  /** `http://`, the Host header and the target, none of them parsed. */
  readonly url: string;
  readonly headers: RequestHeaders;
  /** Null where a body has no meaning. */
  readonly body: AsyncIterable<Uint8Array> | null;
  /** Where the connection may become a WebSocket: undefined for any other request. */
  readonly upgrade?: UpgradeSocket | undefined;
}

/** A connection that waits for the answer to its upgrade. */
export interface UpgradeSocket {
  readonly socket: Socket;
  /** What came behind the request's head already. */
  readonly head: Buffer;
}

/** The answer to an upgrade whose connection speaks another protocol now: its 101 has been written. */
export interface Switched {
  readonly status: 101;
}

/** The answer to a request. */
export type Answer = Response | Switched;

export function isSwitched(answer: Answer): answer is Switched {
  return answer.status === 101;
}
