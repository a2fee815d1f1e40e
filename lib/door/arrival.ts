/**
 * A request on its way in.
 *
 * @module
 */

import type { HttpRequest } from "../request.ts";
import type { Strangeness } from "./browser.ts";

/** How a request came in. */
export interface Arrival {
  /** The address at the other end of the socket. */
  readonly peer: string;
  /** Whether that socket has TLS. */
  readonly isTls: boolean;
  /** Why it may not pass; null when it may. */
  readonly strangeness: Strangeness | null;
}

/** Whether the client's connection has ended, as far as that is known. */
export function isGone({ upgrade }: HttpRequest): boolean {
  return upgrade?.socket.destroyed === true;
}
