/**
 * OCPP-J frames as text: what is written to clients, and of errors to the backend.
 *
 * @module
 */

import { cutDescription } from "./description.ts";
import { errorCode } from "./error_code.ts";
import { type Call, FRAME_KINDS, type FrameFault, type FrameKind } from "./frame.ts";
import { quoted } from "./json.ts";
import { codeAt } from "./scan.ts";
import type { Dialect } from "./subprotocol.ts";

/** The character code of the smallest type number. */
const TYPE_2 = 0x32;

/**
 * What a client is told about a text that is no frame.
 *
 * Answers are never answered, not even when they are broken; nor is a SEND. Unknown types are
 * ignored: OCPP 2.0.1 Part 4 §4.4 had a code for them, which its errata took back.
 *
 * @param fault What `readFrame` said.
 * @param dialect The version whose codes and rules count.
 * @returns The CALLERROR to send, or null for silence.
 */
export function answerToFault(fault: FrameFault, dialect: Dialect): string | null {
  if (fault.type !== undefined && fault.type !== 2) return null;
  return callErrorText(fault.messageIdText, errorCode(fault.meaning, dialect), fault.reason);
}

/**
 * The kind of a frame that one of the writers below made.
 *
 * @param text The frame's text.
 */
export function frameKind(text: string): FrameKind {
  return FRAME_KINDS[codeAt(text, 1) - TYPE_2]!;
}

/**
 * A CALL or SEND to a client.
 *
 * @param kind Which of the two.
 * @param messageId The MessageId, not yet JSON.
 * @param action The Action, not yet JSON.
 * @param payload A JSON object's text, taken as it is.
 */
export function callText(
  kind: Call["kind"],
  messageId: string,
  action: string,
  payload: string,
): string {
  const type = kind === "call" ? 2 : 6;
  return `[${type},${quoted(messageId)},${quoted(action)},${payload}]`;
}

/**
 * A CALLRESULT.
 *
 * @param messageIdText The MessageId as JSON text, as in `Call.messageIdText`.
 * @param payload A JSON object's text, taken as it is.
 */
export function callResultText(messageIdText: string, payload: string): string {
  return `[3,${messageIdText},${payload}]`;
}

/**
 * A CALLERROR.
 *
 * @param messageIdText The MessageId as JSON text.
 * @param code The code, not yet JSON.
 * @param description The description, not yet JSON; it is cut at 255 characters.
 * @param details A JSON object's text, taken as it is.
 */
export function callErrorText(
  messageIdText: string,
  code: string,
  description: string,
  details = "{}",
): string {
  const descriptionText = quoted(cutDescription(description));
  return `[4,${messageIdText},${quoted(code)},${descriptionText},${details}]`;
}

/**
 * A CALLRESULTERROR (OCPP 2.1 Part 4 §4.2.4).
 *
 * @param messageId The MessageId, not yet JSON.
 * @param code The code, not yet JSON.
 * @param description The description, not yet JSON; it is cut at 255 characters.
 */
export function callResultErrorText(messageId: string, code: string, description: string): string {
  const descriptionText = quoted(cutDescription(description));
  return `[5,${quoted(messageId)},${quoted(code)},${descriptionText},{}]`;
}

/**
 * The body of `/error` and `/resulterror`: `{"code": …, "description": …, "details": {…}}`.
 *
 * @param codeText The code as JSON text.
 * @param descriptionText The description as JSON text.
 * @param details A JSON object's text.
 */
export function errorBody(codeText: string, descriptionText: string, details = "{}"): string {
  return `{"code":${codeText},"description":${descriptionText},"details":${details}}`;
}
