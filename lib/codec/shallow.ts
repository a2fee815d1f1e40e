/**
 * A JSON array as far as a frame needs it.
 *
 * @module
 */

import { CLOSE_BRACKET, COMMA, OPEN_BRACE, OPEN_BRACKET } from "./char.ts";
import { parseJson, skipSpace } from "./json.ts";
import { codeAt, INVALID, MAX_DEPTH, scanValue } from "./scan.ts";

/** One more than the longest frame has. */
const MAX_ELEMENTS = 6;

/**
 * Reads an array's elements without what is in them: `JSON.parse` would build all of it, at a cost that
 * whoever wrote the text can choose.
 *
 * @param text Any text.
 * @returns The elements, of which arrays and objects are empty; of more than 6 the first 6. Null for
 * valid JSON that is no array, undefined for what is no valid JSON or nested deeper than 200.
 *
 * @example
 * ```ts
 * import { readShallow } from "./shallow.ts";
 * import { deepStrictEqual } from "node:assert/strict";
 *
 * deepStrictEqual(readShallow('[3, "7", {"x": [1]}]'), [3, "7", {}]);
 * ```
 */
export function readShallow(text: string): unknown[] | null | undefined {
  const at = skipSpace(text, 0);
  if (codeAt(text, at) !== OPEN_BRACKET) {
    const end = scanValue(text, at, MAX_DEPTH);
    return end !== INVALID && isAllSpace(text, end) ? null : undefined;
  }
  const elements: unknown[] = [];
  return readInto(elements, text, at) ? elements : undefined;
}

/**
 * Reads as many elements of an array as can be read: those before one that is no valid JSON, or nested too
 * deep.
 *
 * @param text Any text.
 * @returns As `readShallow`, but none for what is no array.
 *
 * @example
 * ```ts
 * import { readBeginning } from "./shallow.ts";
 * import { deepStrictEqual } from "node:assert/strict";
 *
 * deepStrictEqual(readBeginning('[3, "7", {"x": [1'), [3, "7"]);
 * ```
 */
export function readBeginning(text: string): unknown[] {
  const at = skipSpace(text, 0);
  const elements: unknown[] = [];
  if (codeAt(text, at) === OPEN_BRACKET) readInto(elements, text, at);
  return elements;
}

/** @returns Whether all of the text is an array. */
function readInto(elements: unknown[], text: string, at: number): boolean {
  at = skipSpace(text, at + 1);
  if (codeAt(text, at) === CLOSE_BRACKET) return isAllSpace(text, at + 1);
  for (;;) {
    const end = scanValue(text, at, MAX_DEPTH - 1);
    if (end === INVALID) return false;
    if (elements.length < MAX_ELEMENTS) elements.push(shallowValue(text, at, end));
    at = skipSpace(text, end);
    const code = codeAt(text, at);
    if (code === CLOSE_BRACKET) return isAllSpace(text, at + 1);
    if (code !== COMMA) return false;
    at = skipSpace(text, at + 1);
  }
}

function shallowValue(text: string, at: number, end: number): unknown {
  const code = codeAt(text, at);
  if (code === OPEN_BRACE) return {};
  return code === OPEN_BRACKET ? [] : parseJson(text.slice(at, end));
}

function isAllSpace(text: string, at: number): boolean {
  return skipSpace(text, at) === text.length;
}
