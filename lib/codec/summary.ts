/**
 * What a frame is, from its first characters.
 *
 * @module
 */

import { FRAME_KINDS, type FrameKind } from "./frame.ts";
import { parseJson } from "./json.ts";

/** A frame without its payload. */
export interface FrameSummary {
  /** Null for a text that does not begin as a frame does. */
  readonly type: FrameKind | null;
  readonly messageId: string | null;
  /** Of a CALL or SEND. */
  readonly action: string | null;
  /** Of a CALLERROR or CALLRESULTERROR. */
  readonly code: string | null;
}

/** The number of the first kind. */
const FIRST_TYPE = 2;
const NOTHING: FrameSummary = { type: null, messageId: null, action: null, code: null };
/** Bounded, so that no text makes it slow; longer names are those of no valid frame. */
const HEAD =
  /^\s*\[\s*([2-6])\s*,\s*("(?:[^"\\]|\\.){0,300}")\s*(?:,\s*("(?:[^"\\]|\\.){0,2000}"))?/;

/**
 * Reads the names at the head of a frame, valid or not, whole or cut behind them. For people who look
 * on: what is forwarded is read by `readFrame`.
 *
 * @example
 * ```ts
 * import { summaryOf } from "./summary.ts";
 * import { deepStrictEqual } from "node:assert/strict";
 *
 * deepStrictEqual(summaryOf('[2,"7","Heartbeat",{"a'), {
 *   type: "call",
 *   messageId: "7",
 *   action: "Heartbeat",
 *   code: null,
 * });
 * deepStrictEqual(summaryOf("hello").type, null);
 * ```
 */
export function summaryOf(text: string): FrameSummary {
  const [, number, messageIdText, nameText] = HEAD.exec(text) ?? [];
  if (number === undefined || messageIdText === undefined) return NOTHING;
  const type = FRAME_KINDS[Number(number) - FIRST_TYPE]!;
  const messageId = stringOf(messageIdText);
  const name = nameText === undefined ? null : stringOf(nameText);
  switch (type) {
    case "call":
    case "send":
      return { type, messageId, action: name, code: null };
    case "error":
    case "resulterror":
      return { type, messageId, action: null, code: name };
    default:
      return { type, messageId, action: null, code: null };
  }
}

/** Null for what JSON does not allow in a string. */
function stringOf(text: string): string | null {
  const value = parseJson(text);
  return typeof value === "string" ? value : null;
}
