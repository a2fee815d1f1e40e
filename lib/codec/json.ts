/**
 * Where the parts of a JSON text begin and end.
 *
 * A payload must reach the other side byte for byte, so it is cut out of the text it came in and
 * never written anew. These functions only look for boundaries: the text has been found valid before, and
 * on text that has not their answer means nothing (but they still end).
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

function isSpace(code: number): boolean {
  // Most characters asked about are none: one comparison for them.
  return code <= 0x20 && (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09);
}

/**
 * The index of the first character at or after `at` that is no JSON white space (RFC 8259 §2).
 *
 * @param text Any text.
 * @param at Where to begin.
 * @returns An index, `text.length` when only white space is left.
 */
export function skipSpace(text: string, at: number): number {
  while (at < text.length && isSpace(text.charCodeAt(at))) at++;
  return at;
}

/**
 * The text without JSON white space around it. Unlike `trim` it leaves every other space alone,
 * so what is no JSON stays no JSON.
 *
 * @param text Any text.
 * @param from First index that counts.
 * @param to The index behind the last one that counts.
 * @returns The inner text; empty when there is nothing but white space.
 *
 * @example
 * ```ts
 * import { trimSpace } from "./json.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(trimSpace(' {"a": 1}\r\n'), '{"a": 1}');
 * ```
 */
export function trimSpace(text: string, from = 0, to: number = text.length): string {
  from = skipSpace(text, from);
  while (to > from && isSpace(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

/** The index behind the string that begins at `at` (its opening quote); the text's end when it does not end. */
export function endOfString(text: string, at: number): number {
  let end = text.indexOf('"', at + 1);
  while (end !== -1) {
    let before = end - 1;
    while (text.charCodeAt(before) === BACKSLASH) before--;
    // An even number of backslashes before the quote escapes only themselves.
    if ((end - before) % 2 === 1) return end + 1;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
}

/**
 * The index behind the value that begins at `at`.
 *
 * @param text Valid JSON.
 * @param at The value's first character, white space skipped.
 * @returns The index of the first character that is not the value's.
 */
export function endOfValue(text: string, at: number): number {
  const first = text.charCodeAt(at);
  if (first === QUOTE) return endOfString(text, at);
  if (first !== OPEN_BRACE && first !== OPEN_BRACKET) {
    while (at < text.length) {
      const code = text.charCodeAt(at);
      if (code === COMMA || code === CLOSE_BRACKET || code === CLOSE_BRACE || isSpace(code)) break;
      at++;
    }
    return at;
  }
  let depth = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at);
      continue;
    }
    at++;
    if (code === OPEN_BRACE || code === OPEN_BRACKET) depth++;
    else if ((code === CLOSE_BRACE || code === CLOSE_BRACKET) && --depth === 0) break;
  }
  return at;
}

/**
 * The texts of an array's elements, cut exactly.
 *
 * The last one is taken as all that is left before the closing bracket, so that a long payload at
 * the end is not walked through a second time.
 *
 * @param text A valid JSON array with exactly `count` elements; white space may surround it.
 * @param count How many elements it has, 1 or more.
 * @returns `count` slices of `text`, without white space around them.
 *
 * @example
 * ```ts
 * import { elementTexts } from "./json.ts";
 * import { deepStrictEqual } from "node:assert/strict";
 *
 * deepStrictEqual(elementTexts('[3, "7", {"x": 1.0}]', 3), ["3", '"7"', '{"x": 1.0}']);
 * ```
 */
export function elementTexts(text: string, count: number): string[] {
  const elements: string[] = [];
  let at = skipSpace(text, 0) + 1;
  for (let i = 1; i < count; i++) {
    at = skipSpace(text, at);
    const end = endOfValue(text, at);
    elements.push(text.slice(at, end));
    at = skipSpace(text, end) + 1;
  }
  elements.push(trimSpace(text, at, text.lastIndexOf("]")));
  return elements;
}

/**
 * The text of one member's value in an object.
 *
 * @param text A valid JSON object.
 * @param name The member's name, compared after its escapes are resolved.
 * @returns The value's text exactly as it stands; of duplicates the last one, as `JSON.parse` takes
 * it; undefined without such a member.
 *
 * @example
 * ```ts
 * import { memberText } from "./json.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(memberText('{"code": "X", "details": {"n": 1.0}}', "details"), '{"n": 1.0}');
 * ```
 */
export function memberText(text: string, name: string): string | undefined {
  let found: string | undefined;
  let at = skipSpace(text, skipSpace(text, 0) + 1);
  while (text.charCodeAt(at) === QUOTE) {
    const keyEnd = endOfString(text, at);
    const key: unknown = JSON.parse(text.slice(at, keyEnd));
    at = skipSpace(text, keyEnd);
    if (text.charCodeAt(at) === COLON) at = skipSpace(text, at + 1);
    const end = endOfValue(text, at);
    if (key === name) found = text.slice(at, end);
    at = skipSpace(text, end);
    if (text.charCodeAt(at) !== COMMA) break;
    at = skipSpace(text, at + 1);
  }
  return found;
}

/** A parsed JSON value that is an object: not an array, not null. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Parses, without a throw.
 *
 * @param text Any text.
 * @returns The value, or undefined (which no JSON text means) when it is no JSON.
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Anything but printable ASCII that stands for itself in a JSON string. */
const NOT_PLAIN = /[^ !#-[\]-~]/;

/**
 * A string as JSON text: `JSON.stringify` in half the time for short plain names.
 *
 * @param text Any text.
 *
 * @example
 * ```ts
 * import { quoted } from "./json.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(quoted('say "a"'), '"say \\"a\\""');
 * ```
 */
export function quoted(text: string): string {
  return NOT_PLAIN.test(text) ? JSON.stringify(text) : `"${text}"`;
}
