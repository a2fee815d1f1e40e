/**
 * Answers that are no valid frames: how they are told from CALLs, and what they say all the same.
 *
 * @module
 */

import { CLOSE_BRACE, CLOSE_BRACKET, OPEN_BRACE, OPEN_BRACKET, QUOTE } from "./char.ts";
import { elementTexts, endOfString, isObject } from "./json.ts";
import { MAX_DEPTH } from "./scan.ts";

/** The code of an error that has none; it is spelled alike in all versions. */
const GENERIC_ERROR = '"GenericError"';

/** `2` to `6` is one character; these are `4.0` and its like. */
const MAX_NUMBER_UNITS = 20;

/**
 * How a text begins that was to be a frame, its type perhaps as a string. White space is any that there
 * is, a byte order mark included. No white space can belong to two of its parts, and bounded is what the
 * number may be: no text makes it slow.
 */
const HEAD = /^\s*\[\s*(?:"\s*)?([\d.eE+]{1,20})(?![\w.+-])/;

/**
 * The type of frame that somebody meant.
 *
 * @param type An array's first element.
 * @returns A known type number, also of one that is written as a string; undefined for all else.
 *
 * @example
 * ```ts
 * import { typeMeant } from "./broken_answer.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(typeMeant("3"), 3);
 * strictEqual(typeMeant([3]), undefined);
 * ```
 */
export function typeMeant(type: unknown): number | undefined {
  // `Number` takes a list of one number for that number.
  if (typeof type !== "string" || type.length > MAX_NUMBER_UNITS) return undefined;
  const number = Number(type);
  return Number.isInteger(number) && number >= 2 && number <= 6 ? number : undefined;
}

/**
 * The type that a text seems to have which is no valid JSON: a frame that was cut short begins as the
 * whole one does.
 *
 * @param text Any text.
 * @returns As `typeMeant`.
 *
 * @example
 * ```ts
 * import { typeAtHead } from "./broken_answer.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(typeAtHead('[ 3,"7",{"a":[]'), 3);
 * strictEqual(typeAtHead("[35"), undefined);
 * ```
 */
export function typeAtHead(text: string): number | undefined {
  return typeMeant(HEAD.exec(text)?.[1]);
}

/**
 * Whether a text that is no valid frame is whole, and only nested too deep: every bracket is closed where
 * the text ends. What is between them is not looked at, and nothing overflows a stack.
 *
 * @param text Any text.
 *
 * @example
 * ```ts
 * import { isTooDeep } from "./broken_answer.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(isTooDeep("[".repeat(201) + "]".repeat(201)), true);
 * strictEqual(isTooDeep("[".repeat(201)), false);
 * ```
 */
export function isTooDeep(text: string): boolean {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at) - 1;
    else if (code === OPEN_BRACKET || code === OPEN_BRACE) deepest = Math.max(deepest, ++depth);
    else if (code === CLOSE_BRACKET || code === CLOSE_BRACE) depth--;
    if (depth < 0) return false;
  }
  return depth === 0 && deepest > MAX_DEPTH;
}

/** Code, description and details as JSON texts. */
export interface ReadableError {
  readonly codeText: string;
  readonly descriptionText: string;
  readonly details: string;
}

/**
 * What can be read of a CALLERROR that is short, long, or has wrong types. A code that is no string is
 * its JSON text; what is missing or of another type is `GenericError`, `""` and `{}`.
 *
 * @param text A JSON array.
 * @param elements Its elements as `readShallow` or `readBeginning` give them, two or more.
 *
 * @example
 * ```ts
 * import { readableError } from "./broken_answer.ts";
 * import { deepStrictEqual } from "node:assert/strict";
 *
 * deepStrictEqual(readableError('[4,"7",404]', [4, "7", 404]), {
 *   codeText: '"404"',
 *   descriptionText: '""',
 *   details: "{}",
 * });
 * ```
 */
export function readableError(text: string, elements: readonly unknown[]): ReadableError {
  // The last of the texts is what is left: behind these there may be more that could not be read.
  const texts = elementTexts(text, elements.length + 1);
  return {
    codeText: elements.length < 3 ? GENERIC_ERROR : codeTextOf(elements[2], texts[2]!),
    descriptionText: typeof elements[3] === "string" ? texts[3]! : '""',
    details: isObject(elements[4]) ? texts[4]! : "{}",
  };
}

function codeTextOf(code: unknown, text: string): string {
  return typeof code === "string" ? text : JSON.stringify(text);
}
