/**
 * CALLERROR codes as each OCPP version spells them.
 *
 * @module
 */

import type { Dialect } from "./subprotocol.ts";

/** What a CALLERROR of the gateway's own wants to say. */
export type ErrorMeaning =
  /** The text is no valid RPC frame. */
  | "bad_frame"
  /** The payload is no object, or not built as its Action's. */
  | "bad_payload"
  /** A field's value is not allowed. */
  | "property_constraint"
  /** A field is missing, not allowed, or there too often. */
  | "occurrence_constraint"
  /** A field is of another data type. */
  | "type_constraint"
  /** The CALL's MessageId is still being handled. */
  | "duplicate_message_id"
  /** The message type number is not known. */
  | "unknown_type"
  | "not_implemented"
  /** The Action is known, but not the sender's to call. */
  | "not_supported"
  | "security"
  | "internal"
  | "generic";

/**
 * OCPP-J 1.6 table 7 knows neither RpcFrameworkError nor MessageTypeNotSupported, so its nearest
 * codes stand in; and its `FormationViolation` is what 2.x spells `FormatViolation` (OCPP 2.0.1
 * Part 4 table 8, OCPP 2.1 Part 4 table 9). Its `Occurence…` has one r, that of 2.x two. All these
 * spellings are on the wire for good.
 */
const CODES: Readonly<Record<ErrorMeaning, readonly [v16: string, v2: string]>> = {
  bad_frame: ["FormationViolation", "RpcFrameworkError"],
  bad_payload: ["FormationViolation", "FormatViolation"],
  property_constraint: ["PropertyConstraintViolation", "PropertyConstraintViolation"],
  occurrence_constraint: ["OccurenceConstraintViolation", "OccurrenceConstraintViolation"],
  type_constraint: ["TypeConstraintViolation", "TypeConstraintViolation"],
  duplicate_message_id: ["ProtocolError", "RpcFrameworkError"],
  unknown_type: ["ProtocolError", "MessageTypeNotSupported"],
  not_implemented: ["NotImplemented", "NotImplemented"],
  not_supported: ["NotSupported", "NotSupported"],
  security: ["SecurityError", "SecurityError"],
  internal: ["InternalError", "InternalError"],
  generic: ["GenericError", "GenericError"],
};

/** All codes that the gateway itself may say, over all versions. */
export const ERROR_CODES: readonly string[] = [...new Set(Object.values(CODES).flat())];

/**
 * The code to send.
 *
 * @param meaning What happened.
 * @param dialect The version whose table the code must come from.
 * @returns The code, spelled as on the wire.
 *
 * @example
 * ```ts
 * import { errorCode } from "./error_code.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(errorCode("bad_payload", "ocpp1.6"), "FormationViolation");
 * strictEqual(errorCode("bad_payload", "ocpp2.1"), "FormatViolation");
 * ```
 */
export function errorCode(meaning: ErrorMeaning, dialect: Dialect): string {
  return CODES[meaning][dialect === "ocpp1.6" ? 0 : 1];
}
