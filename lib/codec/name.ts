/**
 * The names in a frame: MessageId and Action.
 *
 * @module
 */

import { isSegment } from "./route.ts";

/** Longest MessageId, in characters (OCPP-J 1.6 §4.1.4, OCPP 2.x `string[36]`). */
export const MAX_MESSAGE_ID_CHARS = 36;

/**
 * Longest Action, in UTF-16 code units. No version states one; the longest name of OCPP has 40, and
 * what goes into a URL must have an end that every HTTP stack can take.
 */
export const MAX_ACTION_UNITS = 255;

/**
 * Whether a text can be a MessageId: a path segment of 1 to 36 characters. Characters are Unicode
 * code points, as in the OCPP schemas' `maxLength`.
 */
export function isMessageId(text: string): boolean {
  return !isMessageIdLong(text) && isSegment(text);
}

/** Whether a text has more characters than a MessageId may. */
export function isMessageIdLong(text: string): boolean {
  return text.length > MAX_MESSAGE_ID_CHARS &&
    (text.length > 2 * MAX_MESSAGE_ID_CHARS || [...text].length > MAX_MESSAGE_ID_CHARS);
}

/** Whether a text can be an Action: a path segment of 1 to 255 UTF-16 code units. */
export function isAction(text: string): boolean {
  return text.length <= MAX_ACTION_UNITS && isSegment(text);
}
