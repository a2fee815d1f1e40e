/**
 * How a CALL to a client ends.
 *
 * @module
 */

import { cutDescription } from "../codec/description.ts";
import { errorCode } from "../codec/error_code.ts";
import type { Dialect } from "../codec/subprotocol.ts";

/** How a CALL to a client ended. */
export type CallOutcome =
  | { readonly kind: "result"; readonly payload: string }
  | {
    readonly kind: "error";
    /** Code, description and details as JSON texts. */
    readonly codeText: string;
    readonly descriptionText: string;
    readonly details: string;
  }
  /** No answer within the call timeout. */
  | { readonly kind: "timeout" }
  /** The connection went. */
  | { readonly kind: "gone"; readonly wasSent: boolean; readonly reason: string };

/**
 * How a CALL ended whose CALLRESULT is refused.
 *
 * @param why What is wrong with its payload.
 * @param dialect The version whose error codes count.
 */
export function refusedOutcome(why: string, dialect: Dialect): CallOutcome {
  return {
    kind: "error",
    // Not the code of what is wrong: from a client it would say that the CALL was.
    codeText: JSON.stringify(errorCode("generic", dialect)),
    descriptionText: JSON.stringify(cutDescription(`the client's answer was refused: ${why}`)),
    details: "{}",
  };
}
