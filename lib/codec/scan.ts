/**
 * JSON checked in one pass that builds nothing.
 *
 * `JSON.parse` as a check makes objects only to throw them away, and what it makes can be chosen so that
 * making it takes a hundred times as long: strings that collide in the engine's table of strings,
 * thousands of shapes of objects. These functions look at the same text in a time that goes by its
 * length alone, whatever it says, and leave no garbage behind.
 *
 * @module
 */

import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
} from "./char.ts";
import { endOfString, parseJson, skipSpace } from "./json.ts";

/** What is no valid JSON, or nested deeper than is allowed. */
export const INVALID = -1;

/** A name that is too unusual to be taken as it stands. */
export const UNSURE = -1;

/**
 * Deepest nesting of a JSON text that is valid here, so that no text overflows anybody's stack. OCPP's
 * sales tariffs go to 11.
 */
export const MAX_DEPTH = 200;

/**
 * A string longer than this is left to `JSON.parse`, which takes many characters at a time: a call
 * of it costs as much as about 80 characters here, and each of them then a tenth.
 */
const LONG_STRING = 80;

const DOT = 0x2e;
const PLUS = 0x2b;
const MINUS = 0x2d;
const SLASH = 0x2f;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const CAPITAL_E = 0x45;
const LETTER_B = 0x62;
const LETTER_E = 0x65;
const LETTER_F = 0x66;
const LETTER_N = 0x6e;
const LETTER_R = 0x72;
const LETTER_T = 0x74;
const LETTER_U = 0x75;

/**
 * The character code at an index; 0, which JSON allows nowhere, behind the end.
 *
 * `charCodeAt` gives NaN there, and V8 then compiles every caller anew with slower arithmetic: one
 * frame that was cut short would slow down all that follow.
 */
export function codeAt(text: string, at: number): number {
  return at < text.length ? text.charCodeAt(at) : 0;
}

/**
 * The index behind an object, all of which is valid JSON.
 *
 * @param text Any text.
 * @param at Where its opening brace is thought to be.
 * @param depth How deep it may be nested, itself included; 1 or more.
 * @returns The index behind its closing brace, or `INVALID`.
 *
 * @example
 * ```ts
 * import { INVALID, scanObject } from "./scan.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(scanObject('[{"a": 1.0}]', 1), 11);
 * strictEqual(scanObject('[{"a": 01}]', 1), INVALID);
 * ```
 */
export function scanObject(text: string, at: number, depth: number = MAX_DEPTH): number {
  return codeAt(text, at) === OPEN_BRACE ? scanMembers(text, at + 1, depth - 1) : INVALID;
}

/**
 * Whether a text is a JSON object without white space around it, nested no deeper than 200.
 *
 * @param text Any text.
 *
 * @example
 * ```ts
 * import { isObjectText } from "./scan.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(isObjectText('{"a": [1]}'), true);
 * strictEqual(isObjectText("[1]"), false);
 * ```
 */
export function isObjectText(text: string): boolean {
  // Nothing has length -1.
  return scanObject(text, 0) === text.length;
}

/**
 * The index behind a string that means what it says: printable ASCII without escapes, not empty,
 * and no dot in front or behind a slash, so that it has no dot segment either.
 *
 * @param text Any text.
 * @param at Where its opening quote is thought to be.
 * @returns The index behind its closing quote, or `UNSURE`.
 */
export function scanName(text: string, at: number): number {
  if (codeAt(text, at) !== QUOTE) return UNSURE;
  const start = ++at;
  for (let before = SLASH;; at++) {
    const code = codeAt(text, at);
    if (code === QUOTE) break;
    if (code < 0x20 || code > 0x7e || code === BACKSLASH) return UNSURE;
    if (code === DOT && before === SLASH) return UNSURE;
    before = code;
  }
  return at === start ? UNSURE : at + 1;
}

/** The index behind an object, from behind its opening brace. */
function scanMembers(text: string, at: number, depth: number): number {
  at = skipSpace(text, at);
  if (codeAt(text, at) === CLOSE_BRACE) return at + 1;
  for (;;) {
    if (codeAt(text, at) !== QUOTE) return INVALID;
    at = scanString(text, at + 1);
    if (at === INVALID) return INVALID;
    at = skipSpace(text, at);
    if (codeAt(text, at) !== COLON) return INVALID;
    at = scanValue(text, skipSpace(text, at + 1), depth);
    if (at === INVALID) return INVALID;
    at = skipSpace(text, at);
    const code = codeAt(text, at);
    if (code === CLOSE_BRACE) return at + 1;
    if (code !== COMMA) return INVALID;
    at = skipSpace(text, at + 1);
  }
}

/** The index behind an array, from behind its opening bracket. */
function scanElements(text: string, at: number, depth: number): number {
  at = skipSpace(text, at);
  if (codeAt(text, at) === CLOSE_BRACKET) return at + 1;
  for (;;) {
    at = scanValue(text, at, depth);
    if (at === INVALID) return INVALID;
    at = skipSpace(text, at);
    const code = codeAt(text, at);
    if (code === CLOSE_BRACKET) return at + 1;
    if (code !== COMMA) return INVALID;
    at = skipSpace(text, at + 1);
  }
}

/**
 * The index behind a value, all of which is valid JSON.
 *
 * @param text Any text.
 * @param at Its first character, white space skipped.
 * @param depth How deep it may be nested; 0 for no array and no object.
 * @returns The index behind it, or `INVALID`.
 */
export function scanValue(text: string, at: number, depth: number): number {
  switch (codeAt(text, at)) {
    case QUOTE:
      return scanString(text, at + 1);
    case OPEN_BRACE:
      return depth === 0 ? INVALID : scanMembers(text, at + 1, depth - 1);
    case OPEN_BRACKET:
      return depth === 0 ? INVALID : scanElements(text, at + 1, depth - 1);
    case LETTER_T:
      return text.startsWith("true", at) ? at + 4 : INVALID;
    case LETTER_F:
      return text.startsWith("false", at) ? at + 5 : INVALID;
    case LETTER_N:
      return text.startsWith("null", at) ? at + 4 : INVALID;
    default:
      return scanNumber(text, at);
  }
}

/** The index behind a string, from behind its opening quote. */
function scanString(text: string, at: number): number {
  const open = at - 1;
  const soon = Math.min(at + LONG_STRING, text.length);
  for (;;) {
    let code = 0;
    while (at < soon) {
      code = text.charCodeAt(at++);
      if (code === QUOTE) return at;
      if (code < 0x20 || code === BACKSLASH) break;
    }
    if (code !== BACKSLASH) break;
    at = scanEscape(text, at);
    if (at === INVALID) return INVALID;
  }
  if (at < soon) return INVALID;
  // From here on no escape is left half read, so that a quote is found as from the string's beginning.
  const end = endOfString(text, at - 1);
  return typeof parseJson(text.slice(open, end)) === "string" ? end : INVALID;
}

/** The index behind an escape, from behind its backslash. */
function scanEscape(text: string, at: number): number {
  switch (codeAt(text, at)) {
    case QUOTE:
    case BACKSLASH:
    case SLASH:
    case LETTER_B:
    case LETTER_F:
    case LETTER_N:
    case LETTER_R:
    case LETTER_T:
      return at + 1;
    case LETTER_U:
      for (let digit = at + 1; digit <= at + 4; digit++) {
        if (!isHexDigit(codeAt(text, digit))) return INVALID;
      }
      return at + 5;
    default:
      return INVALID;
  }
}

/** The index behind a number; every character is read once. */
function scanNumber(text: string, at: number): number {
  let code = codeAt(text, at);
  if (code === MINUS) code = codeAt(text, ++at);
  if (code === DIGIT_0) {
    code = codeAt(text, ++at);
  } else {
    if (!isDigit(code)) return INVALID;
    do code = codeAt(text, ++at); while (isDigit(code));
  }
  if (code === DOT) {
    code = codeAt(text, ++at);
    if (!isDigit(code)) return INVALID;
    do code = codeAt(text, ++at); while (isDigit(code));
  }
  if (code === LETTER_E || code === CAPITAL_E) {
    code = codeAt(text, ++at);
    if (code === PLUS || code === MINUS) code = codeAt(text, ++at);
    if (!isDigit(code)) return INVALID;
    do code = codeAt(text, ++at); while (isDigit(code));
  }
  return at;
}

function isDigit(code: number): boolean {
  return code >= DIGIT_0 && code <= DIGIT_9;
}

function isHexDigit(code: number): boolean {
  const lower = code | 0x20;
  return isDigit(code) || (lower >= 0x61 && lower <= 0x66);
}
