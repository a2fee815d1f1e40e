/**
 * The Cache-Control header of an answer (RFC 9111 §5.2).
 *
 * @module
 */

/** Longest time that is granted, in seconds: a day. */
export const MAX_AGE_SECONDS = 86_400;

/** A longer header says nothing. */
const MAX_HEADER_CHARS = 1024;

const NOT_SAID = -1;

/**
 * Reads how long an answer may be used again.
 *
 * Strict where that is the safer reading: a header that is too long or no list of directives, a
 * `max-age` that is no whole number, and `max-age` twice all mean no time at all (§4.2.1 allows that),
 * and so do `no-store` and `no-cache`, with field names too. Other directives change nothing.
 *
 * @param header The header's value, several of them joined by commas; undefined without one.
 * @returns Seconds, 0 to `MAX_AGE_SECONDS`.
 *
 * @example
 * ```ts
 * import { readMaxAgeSeconds } from "./cache_control.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(readMaxAgeSeconds("private, Max-Age=3600"), 3600);
 * strictEqual(readMaxAgeSeconds("max-age=3600, no-store"), 0);
 * strictEqual(readMaxAgeSeconds(undefined), 0);
 * ```
 */
export function readMaxAgeSeconds(header: string | undefined): number {
  if (header === undefined || header.length > MAX_HEADER_CHARS) return 0;
  let seconds = NOT_SAID;
  for (const directive of directivesIn(header)) {
    const at = directive.indexOf("=");
    const name = (at === -1 ? directive : directive.slice(0, at)).trim().toLowerCase();
    if (name === "no-store" || name === "no-cache") return 0;
    if (name !== "max-age") continue;
    if (at === -1 || seconds !== NOT_SAID) return 0;
    const read = readSeconds(directive.slice(at + 1).trim());
    if (read === undefined) return 0;
    seconds = read;
  }
  return seconds === NOT_SAID ? 0 : seconds;
}

/** @param text Digits, also in quotes; what is more than a day is a day. */
function readSeconds(text: string): number | undefined {
  const isQuoted = text.length > 2 && text.startsWith('"') && text.endsWith('"');
  const digits = isQuoted ? text.slice(1, -1) : text;
  return /^\d+$/.test(digits) ? Math.min(Number(digits), MAX_AGE_SECONDS) : undefined;
}

/** Parts between commas that stand outside of quotes, in one pass. */
function directivesIn(header: string): string[] {
  const directives: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let i = 0; i < header.length; i++) {
    const char = header[i];
    if (char === "\\" && isQuoted) {
      i++;
    } else if (char === '"') {
      isQuoted = !isQuoted;
    } else if (char === "," && !isQuoted) {
      directives.push(header.slice(start, i));
      start = i + 1;
    }
  }
  // What an open quote swallowed may have forbidden it.
  if (isQuoted) return ["no-store"];
  directives.push(header.slice(start));
  return directives;
}
