/**
 * The two string formats of the OCPP schemas. What stations really send is taken, and each check
 * takes time in proportion to the text's length.
 *
 * @module
 */

/** Long enough for every fraction that a clock gives. */
const MAX_DATE_TIME_UNITS = 64;

const DATE = "(\\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])";
// A leap second has 60.
const TIME = "(?:[01]\\d|2[0-3]):[0-5]\\d:(?:[0-5]\\d|60)(?:[.,]\\d+)?";
const OFFSET = "(?:Z|[+-](?:[01]\\d|2[0-3])(?::?[0-5]\\d)?)";
const DATE_TIME = new RegExp(`^${DATE}T${TIME}${OFFSET}?$`, "i");

/**
 * Whether a text is a date and time: RFC 3339, and what ISO 8601 allows beyond it and stations send:
 * no offset, one without a colon or minutes, a comma before the fraction. OCPP 1.6 ("Time notations")
 * asks for ISO 8601.
 *
 * @param text Any text.
 */
export function isDateTime(text: string): boolean {
  if (text.length > MAX_DATE_TIME_UNITS) return false;
  const match = DATE_TIME.exec(text);
  if (match === null) return false;
  const [, year, month, day] = match;
  // Day 0 of the month behind is the last of this one.
  return Number(day) <= new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
}

/**
 * Whether a text is a URI: a scheme, a colon and something without blanks and control characters.
 * What is behind the colon is the business of who uses it: stations put passwords there unescaped.
 *
 * @param text Any text.
 */
export function isUri(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:[^\s\p{Cc}]+$/iu.test(text);
}
