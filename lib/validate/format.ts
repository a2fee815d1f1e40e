/**
 * The two string formats of the OCPP schemas. Each check takes time in proportion to the text's length.
 *
 * @module
 */

/** Long enough for every fraction that a clock gives. */
const MAX_DATE_TIME_UNITS = 64;

const DATE = "(\\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])";
const HOURS_AND_MINUTES = "([01]\\d|2[0-3]):([0-5]\\d)";
/** A leap second has 60. */
const SECONDS = "([0-5]\\d|60)";

const DATE_TIME = new RegExp(
  `^${DATE}T${HOURS_AND_MINUTES}:${SECONDS}(?:\\.\\d{1,3})?(?:Z|([+-])${HOURS_AND_MINUTES})$`,
  "i",
);

/** Everything but the calendar: firmware is known that has a 29th of February each year. */
const DATE_TIME_OF_STATION = new RegExp(
  `^${DATE}T${HOURS_AND_MINUTES}:${SECONDS}(?:[.,]\\d+)?` +
    "(?:Z|[+-](?:[01]\\d|2[0-3])(?::?[0-5]\\d)?)?$",
  "i",
);

/**
 * Whether a text is a date and time as OCPP 2.0.1 and 2.1 have it (Part 2, "Primitive datatypes"): RFC
 * 3339, so with an offset, and at most three decimals of a second. The day must be in the calendar, and
 * second 60 only where UTC can have one, at the end of a month (RFC 3339, section 5.7).
 *
 * @param text Any text.
 */
export function isDateTime(text: string): boolean {
  const match = DATE_TIME.exec(text);
  if (match === null) return false;
  const [, year, month, day, hours, minutes, seconds, sign, offsetHours, offsetMinutes] = match;
  // Day 0 of the month behind is the last of this one.
  if (Number(day) > new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate()) return false;
  if (seconds !== "60") return true;
  const offset = (Number(offsetHours ?? 0) * 60 + Number(offsetMinutes ?? 0)) *
    (sign === "-" ? -1 : 1);
  // The minute behind it begins a month of UTC.
  const next = new Date(
    Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hours), Number(minutes) + 1) -
      offset * 60_000,
  );
  return next.getUTCDate() === 1 && next.getUTCHours() === 0 && next.getUTCMinutes() === 0;
}

/**
 * Whether a text is a date and time as stations of OCPP 1.6 write it. The version asks for ISO 8601
 * ("Time notations"), and stations in the field send what that allows beyond RFC 3339: no offset, one
 * without a colon or without minutes, a comma before the fraction, any number of decimals; and days that
 * their month has not. Whoever refuses these loses transactions.
 *
 * @param text Any text.
 */
export function isDateTimeOfStation(text: string): boolean {
  return text.length <= MAX_DATE_TIME_UNITS && DATE_TIME_OF_STATION.test(text);
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
