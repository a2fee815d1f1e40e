/**
 * OCPP-J frames: text to a typed frame or a typed fault.
 *
 * @module
 */

import { isTooDeep, readableError, typeAtHead, typeMeant } from "./broken_answer.ts";
import { CLOSE_BRACKET, COMMA, OPEN_BRACKET } from "./char.ts";
import type { ErrorMeaning } from "./error_code.ts";
import { elementTexts, isObject, skipSpace } from "./json.ts";
import {
  isAction,
  isMessageId,
  isMessageIdLong,
  MAX_ACTION_UNITS,
  MAX_MESSAGE_ID_CHARS,
} from "./name.ts";
import { codeAt, INVALID, MAX_DEPTH, scanName, scanObject, UNSURE } from "./scan.ts";
import { readBeginning, readShallow } from "./shallow.ts";
import type { Dialect } from "./subprotocol.ts";

/** The MessageId, as JSON, of an answer to a text whose own cannot be read, or is too long to be one. */
const UNREADABLE_ID = '"-1"';

/** `[2,"<MessageId>","<Action>",{payload}]`, and `[6,…]` (SEND), which nobody answers. */
export interface Call {
  readonly kind: "call" | "send";
  readonly messageId: string;
  /** The MessageId as it stood in the frame, quotes and escapes included: the answer repeats it. */
  readonly messageIdText: string;
  readonly action: string;
  /** The payload's text, byte for byte; `{}` for `null`. */
  readonly payload: string;
}

/** `[3,"<MessageId>",{payload}]` */
export interface CallResult {
  readonly kind: "result";
  readonly messageId: string;
  readonly payload: string;
}

interface ErrorParts {
  readonly messageId: string;
  /** Code, description and details as the JSON texts they came as. */
  readonly codeText: string;
  readonly descriptionText: string;
  readonly details: string;
}

/** `[4,"<MessageId>","<code>","<description>",{details}]` */
export interface CallError extends ErrorParts {
  readonly kind: "error";
}

/** `[5,…]`, otherwise as a CALLERROR: the CALLRESULT with this MessageId cannot be used. */
export interface CallResultError extends ErrorParts {
  readonly kind: "resulterror";
}

export type Frame = Call | CallResult | CallError | CallResultError;

/** All kinds of frames, in the order of their type numbers, which begin at 2. */
export const FRAME_KINDS = ["call", "result", "error", "resulterror", "send"] as const;
export type FrameKind = (typeof FRAME_KINDS)[number];

/** A CALLRESULT that is no valid one. */
export interface BrokenResult {
  readonly kind: "result";
  readonly messageId: string;
  /** Its type is a number: so it is a CALLRESULT, and not what only looks like one. */
  readonly isTyped: boolean;
}

/** Why a text is no frame that can be taken. */
export interface FrameFault {
  readonly meaning: Extract<ErrorMeaning, "bad_frame" | "bad_payload" | "unknown_type">;
  /**
   * The message type number, when the text got as far as having one; also one that is written as a
   * string, or with which a text begins that is no JSON.
   */
  readonly type: number | undefined;
  /** The MessageId as JSON text; `"-1"` when none could be read, or it has more than 36 characters. */
  readonly messageIdText: string;
  /** What is wrong, in words that are free of the text itself. */
  readonly reason: string;
  /**
   * What there is of an answer to a CALL whose MessageId can be read: the CALL ends by it, for nothing
   * better will come.
   */
  readonly answer?: CallError | BrokenResult;
}

interface Faulty {
  readonly ok: false;
  readonly fault: FrameFault;
}

export type ReadFrame = { readonly ok: true; readonly frame: Frame } | Faulty;

/** Elements in each frame: the counts are exact (OCPP-J 1.6 §4.2). */
const ELEMENTS: Readonly<Record<number, number>> = { 2: 4, 3: 3, 4: 5, 5: 5, 6: 4 };

/** The type numbers from this one on came with OCPP 2.1. */
const FIRST_TYPE_OF_21 = 5;

/**
 * Reads one WebSocket text message.
 *
 * Pure, and never throws: text that is no frame comes back as a fault, so that the connection can
 * choose between an answer and silence.
 *
 * @param text One whole message. Its length is the caller's business.
 * @param dialect CALLRESULTERROR and SEND exist in `ocpp2.1` only; elsewhere types 5 and 6 are unknown.
 * @returns The frame, or what is wrong.
 *
 * @example A heartbeat is a CALL
 * ```ts
 * import { readFrame } from "./frame.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * const read = readFrame('[2,"7","Heartbeat",{ }]', "ocpp1.6");
 * strictEqual(read.ok && read.frame.kind === "call" && read.frame.payload, "{ }");
 * ```
 */
export function readFrame(text: string, dialect: Dialect): ReadFrame {
  return readPlainFrame(text, dialect) ?? readAnyFrame(text, dialect);
}

const TYPE_2 = 0x32;
const TYPE_3 = 0x33;
const TYPE_6 = 0x36;

/**
 * The way of almost every message: a CALL, CALLRESULT or SEND whose names are plain ASCII and whose
 * payload is an object, read in one pass that makes nothing but its parts.
 *
 * @returns The frame, the same that `readAnyFrame` would give; undefined for all that this does not
 * understand, which may well be a frame.
 */
function readPlainFrame(text: string, dialect: Dialect): ReadFrame | undefined {
  const type = codeAt(text, 1);
  const isCall = type === TYPE_2 || (type === TYPE_6 && dialect === "ocpp2.1");
  if (codeAt(text, 0) !== OPEN_BRACKET || !(isCall || type === TYPE_3)) return undefined;

  const idAt = behindComma(text, 2);
  const idEnd = scanName(text, idAt);
  // Plain ASCII, so units are characters; and the quotes.
  if (idEnd === UNSURE || idEnd - idAt > MAX_MESSAGE_ID_CHARS + 2) return undefined;

  let at = behindComma(text, idEnd);
  let action = "";
  if (isCall) {
    const end = scanName(text, at);
    if (end === UNSURE || end - at > MAX_ACTION_UNITS + 2) return undefined;
    action = text.slice(at + 1, end - 1);
    at = behindComma(text, end);
  }

  // The frame is an array around it.
  const end = scanObject(text, at, MAX_DEPTH - 1);
  if (end === INVALID) return undefined;
  const bracket = skipSpace(text, end);
  if (codeAt(text, bracket) !== CLOSE_BRACKET) return undefined;
  if (skipSpace(text, bracket + 1) !== text.length) return undefined;

  const messageId = text.slice(idAt + 1, idEnd - 1);
  const payload = text.slice(at, end);
  if (!isCall) return { ok: true, frame: { kind: "result", messageId, payload } };
  const kind = type === TYPE_6 ? "send" : "call";
  const messageIdText = text.slice(idAt, idEnd);
  return { ok: true, frame: { kind, messageId, messageIdText, action, payload } };
}

/** The index behind a comma and the white space around it; the text's end when there is none. */
function behindComma(text: string, at: number): number {
  at = skipSpace(text, at);
  return codeAt(text, at) === COMMA ? skipSpace(text, at + 1) : text.length;
}

function readAnyFrame(text: string, dialect: Dialect): ReadFrame {
  const array = readShallow(text);
  if (array === undefined) {
    const type = typeAtHead(text);
    const read = fault("bad_frame", "not valid JSON, or nested too deep", type);
    const isAnswer = type === 3 || type === 4;
    return isAnswer && isTooDeep(text) ? withAnswer(read, text, readBeginning(text)) : read;
  }
  if (array === null) return fault("bad_frame", "not a JSON array");
  const read = readElements(text, array, dialect);
  return read.ok ? read : withAnswer(read, text, array);
}

function withAnswer(read: Faulty, text: string, array: readonly unknown[]): Faulty {
  const answer = brokenAnswer(text, array, read.fault.type);
  return answer === undefined ? read : { ok: false, fault: { ...read.fault, answer } };
}

/** @param type The type that the array has, or seems to have. */
function brokenAnswer(
  text: string,
  array: readonly unknown[],
  type: number | undefined,
): CallError | BrokenResult | undefined {
  const [given, messageId] = array;
  if (typeof messageId !== "string" || !isMessageId(messageId)) return undefined;
  if (type === 3) return { kind: "result", messageId, isTyped: typeof given === "number" };
  return type === 4 ? { kind: "error", messageId, ...readableError(text, array) } : undefined;
}

function readElements(text: string, array: readonly unknown[], dialect: Dialect): ReadFrame {
  const type: unknown = array[0];
  const messageId: unknown = array[1];
  if (typeof type !== "number") {
    return fault("bad_frame", "the message type is not a number", typeMeant(type), messageId);
  }
  const count = ELEMENTS[type];
  if (count === undefined || (type >= FIRST_TYPE_OF_21 && dialect !== "ocpp2.1")) {
    return fault("unknown_type", "unknown message type", type, messageId);
  }
  if (typeof messageId !== "string") {
    return fault("bad_frame", "the MessageId is not a string", type);
  }
  if (!isMessageId(messageId)) {
    return fault(
      "bad_frame",
      "the MessageId is empty, too long, not Unicode, or has a control character or dot segment",
      type,
      messageId,
    );
  }
  if (array.length !== count) {
    return fault("bad_frame", `a frame of type ${type} has ${count} elements`, type, messageId);
  }
  const last: unknown = array[count - 1];
  if (last !== null && !isObject(last)) {
    return fault("bad_payload", "the payload is not a JSON object", type, messageId);
  }
  if (type === 3) {
    const texts = elementTexts(text, count);
    return { ok: true, frame: { kind: "result", messageId, payload: objectText(texts[2]!) } };
  }
  const second: unknown = array[2];
  if (type === 4 || type === 5) {
    if (typeof second !== "string" || typeof array[3] !== "string") {
      return fault("bad_frame", "code and description must be strings", type, messageId);
    }
    const texts = elementTexts(text, count);
    return {
      ok: true,
      frame: {
        kind: type === 4 ? "error" : "resulterror",
        messageId,
        codeText: texts[2]!,
        descriptionText: texts[3]!,
        details: objectText(texts[4]!),
      },
    };
  }
  if (typeof second !== "string" || !isAction(second)) {
    return fault(
      "bad_frame",
      "the Action is not a string, empty, too long, not Unicode, or has a control character or dot segment",
      type,
      messageId,
    );
  }
  const texts = elementTexts(text, count);
  return {
    ok: true,
    frame: {
      kind: type === 6 ? "send" : "call",
      messageId,
      messageIdText: texts[1]!,
      action: second,
      payload: objectText(texts[3]!),
    },
  };
}

/** `null` stands for an empty payload (OCPP-J 1.6 §4.2.1). */
function objectText(text: string): string {
  return text === "null" ? "{}" : text;
}

function fault(
  meaning: FrameFault["meaning"],
  reason: string,
  type?: number,
  messageId?: unknown,
): Faulty {
  const messageIdText = typeof messageId !== "string" || isMessageIdLong(messageId)
    ? UNREADABLE_ID
    : JSON.stringify(messageId);
  return { ok: false, fault: { meaning, reason, type, messageIdText } };
}
