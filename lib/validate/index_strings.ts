/**
 * Strings that the engine keeps in a table of its own while it parses.
 *
 * @module
 */

/** UTF-16 code units below which no text holds enough of them to matter. */
const SHORT_UNITS = 4096;

/** A string of digits that is no name of a member. */
const INDEX_STRING = /"\d(\d{0,9})"(?!\s*:)/g;

/**
 * A payload's text in which no string is a number, to be checked in its place.
 *
 * The engine hashes a string of up to ten digits by its value, which whoever wrote the text can choose:
 * 90,000 of them that collide take it a second or two to parse. So their first digit becomes a letter. No
 * schema tells the one from the other: there are lengths, date-times, URIs and words, and no word is a
 * number.
 *
 * @param payload Valid JSON.
 *
 * @example
 * ```ts
 * import { withoutIndexStrings } from "./index_strings.ts";
 * import { ok } from "node:assert/strict";
 *
 * const text = withoutIndexStrings(`["16384", 16384${" ".repeat(5000)}]`);
 * ok(text.startsWith('["x6384", 16384'));
 * ```
 */
export function withoutIndexStrings(payload: string): string {
  return payload.length < SHORT_UNITS ? payload : payload.replace(INDEX_STRING, '"x$1"');
}
