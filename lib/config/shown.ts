/**
 * What was given on the command line, as it may be printed.
 *
 * @module
 */

const HIDDEN = "the value given";

/** A colon behind which no port stands: `scheme://user:password`, where the host was forgotten. */
const COLON_BEFORE_NO_PORT = /:\/\/.*:(?!\d*(?:[/,?#]|$))/;

/**
 * A value in quotes, at most 100 characters of it; one in which a password may stand is not shown. That
 * is any with an `@`: a password may hold whatever else a URL is told by.
 *
 * @example
 * ```ts
 * import { shownValue } from "./shown.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(shownValue("ftp://host"), '"ftp://host"');
 * strictEqual(shownValue("nats://user:pass/word@host"), "the value given");
 * ```
 */
export function shownValue(text: string): string {
  return text.includes("@") || COLON_BEFORE_NO_PORT.test(text)
    ? HIDDEN
    : JSON.stringify(text.slice(0, 100));
}

/** A file's name in quotes; a URL in its place is not shown, for the login that may stand in it. */
export function shownFile(name: string): string {
  return name.includes("://") ? HIDDEN : JSON.stringify(name);
}
