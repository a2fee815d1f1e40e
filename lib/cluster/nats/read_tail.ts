/**
 * What others asked and answered over NATS about clients that are looked at or recorded, read as outside
 * text. Pure; nothing here throws.
 *
 * @module
 */

import { FRAME_KINDS } from "../../codec/frame.ts";
import { isObject } from "../../codec/json.ts";
import { isObjectText } from "../../codec/scan.ts";
import type { TapReading } from "../../client/tap.ts";
import type { TapRow } from "../../client/tap_row.ts";
import { isUuid } from "../../ids.ts";
import { CLOSE_REASONS } from "../../metrics/labels.ts";
import type { RecordingInfo, RecordingPart } from "../recording.ts";
import { TAIL_REFUSALS } from "../followed.ts";
import type { TailAnswer, TailQuestion } from "../tail.ts";
import { type Fields, isClientId, isNumber, isText, isTime, isToken } from "./checks.ts";

/** Threads that somebody follows a client over. */
const MAX_CURSORS = 4096;
/** What one thread tells in one go. */
const MAX_ROWS = 1000;
const MAX_RECORDINGS = 1000;
/** The longest text that tells people something. */
const MAX_WORDS_UNITS = 4096;

/** @returns Undefined for what no instance asks. */
export function readTailQuestion(
  { clientId, cursors, withPayloads }: Fields,
): TailQuestion | undefined {
  return isClientId(clientId) && isCursors(cursors) && typeof withPayloads === "boolean"
    ? { kind: "tail", clientId, cursors, withPayloads }
    : undefined;
}

function isCursors(value: unknown): value is Record<string, number> {
  if (!isObject(value)) return false;
  const entries = Object.entries(value);
  return entries.length <= MAX_CURSORS &&
    entries.every(([source, place]) => isToken(source) && isNumber(place));
}

/** @returns Undefined for what no instance answers. */
export function readTail(value: unknown): TailAnswer | undefined {
  if (!isObject(value)) return undefined;
  const { refusal, source, connectionId } = value;
  if (refusal !== null) {
    const known = TAIL_REFUSALS.find((each) => each === refusal);
    return known && { refusal: known };
  }
  const reading = readReading(value["reading"]);
  return isToken(source) && (connectionId === null || isToken(connectionId)) &&
      reading !== undefined
    ? { refusal, source, connectionId, reading }
    : undefined;
}

function readReading(value: unknown): TapReading | undefined {
  if (!isObject(value)) return undefined;
  const { rows, next, isBroken } = value;
  return Array.isArray(rows) && rows.length <= MAX_ROWS && rows.every(isRow) && isNumber(next) &&
      typeof isBroken === "boolean"
    ? { rows, next, isBroken }
    : undefined;
}

function isRow(value: unknown): value is TapRow {
  if (!isObject(value)) return false;
  const { kind, connectionId, at } = value;
  if (!isToken(connectionId) || !isTime(at)) return false;
  switch (kind) {
    case "frame":
      return isFrame(value);
    case "connected": {
      const { protocol, remoteAddress } = value;
      return isTextOrNull(protocol) && isText(remoteAddress, MAX_WORDS_UNITS);
    }
    case "disconnected": {
      const { cause, code, reason } = value;
      return CLOSE_REASONS.some((each) => each === cause) && isNumber(code) &&
        isText(reason, MAX_WORDS_UNITS);
    }
    default:
      return false;
  }
}

function isFrame(
  { number, direction, size, type, text, messageId, action, code }: Fields,
): boolean {
  return isNumber(number) && (direction === "in" || direction === "out") && isNumber(size) &&
    (type === null || FRAME_KINDS.some((kind) => kind === type)) &&
    [text, messageId, action, code].every(isTextOrNull);
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || isText(value, MAX_WORDS_UNITS);
}

/** @returns Undefined for what no instance answers. */
export function readRecordings(value: unknown): RecordingInfo[] | undefined {
  return Array.isArray(value) && value.length <= MAX_RECORDINGS && value.every(isInfo)
    ? value
    : undefined;
}

function isInfo(value: unknown): value is RecordingInfo {
  if (!isObject(value)) return false;
  const { id, clientId, startedAt, endsAt, endedAt, lines, bytes, dropped } = value;
  return isUuid(id) && isClientId(clientId) && isTime(startedAt) && isTime(endsAt) &&
    (endedAt === null || isTime(endedAt)) && [lines, bytes, dropped].every(isNumber);
}

/** Its lines stand in a file that somebody downloads. @returns Undefined for what no instance answers. */
export function readPart(value: unknown): RecordingPart | undefined {
  if (!isObject(value)) return undefined;
  const { info, lines, next } = value;
  return isInfo(info) && Array.isArray(lines) && lines.every(isLine) &&
      (next === null || isNumber(next))
    ? { info, lines, next }
    : undefined;
}

function isLine(value: unknown): value is string {
  return typeof value === "string" && isObjectText(value) && !value.includes("\n");
}
