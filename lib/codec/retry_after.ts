/**
 * The Retry-After header of an answer (RFC 9110 §10.2.3).
 *
 * @module
 */

/** A longer header says nothing. */
const MAX_HEADER_CHARS = 64;

const SECONDS = /^\d+$/;
const MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec";
/** The three forms of a date (§5.6.7), the two old ones too: a recipient must take them. */
const DATES = [
  new RegExp(`^[A-Z][a-z]{2}, \\d{2} (?:${MONTHS}) \\d{4} \\d{2}:\\d{2}:\\d{2} GMT$`),
  new RegExp(`^[A-Z][a-z]{5,8}, \\d{2}-(?:${MONTHS})-\\d{2} \\d{2}:\\d{2}:\\d{2} GMT$`),
  new RegExp(`^[A-Z][a-z]{2} (?:${MONTHS}) [ \\d]\\d \\d{2}:\\d{2}:\\d{2} \\d{4}$`),
] as const;

/**
 * Reads how long the other side wants to be left alone.
 *
 * @param header The header's value; undefined without one.
 * @param wallMs Now, in milliseconds since 1970: a date counts from here.
 * @returns Milliseconds, 0 or more; undefined for what is neither seconds nor a date.
 *
 * @example
 * ```ts
 * import { readRetryAfterMs } from "./retry_after.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(readRetryAfterMs("120", 0), 120_000);
 * strictEqual(readRetryAfterMs("Thu, 01 Jan 1970 00:01:00 GMT", 0), 60_000);
 * strictEqual(readRetryAfterMs("soon", 0), undefined);
 * ```
 */
export function readRetryAfterMs(header: string | undefined, wallMs: number): number | undefined {
  if (header === undefined || header.length > MAX_HEADER_CHARS) return undefined;
  const text = header.trim();
  if (SECONDS.test(text)) return Number(text) * 1000;
  const form = DATES.findIndex((date) => date.test(text));
  if (form === -1) return undefined;
  // The last form has no zone; it is always GMT.
  const at = Date.parse(form === 2 ? `${text} GMT` : text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - wallMs);
}
