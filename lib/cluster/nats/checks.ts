/**
 * What outside text must look like, value by value. Pure; nothing here throws.
 *
 * @module
 */

import { isObject, parseJson } from "../../codec/json.ts";
import { decodeClientId } from "../../codec/route.ts";
import { MAX_NUMBERS } from "./note.ts";

/** A parsed JSON object; each member is looked at before it is used. */
export type Fields = Readonly<Record<string, unknown>>;

/** The members of a JSON object; none when the text is no such thing. */
export function fieldsOf(text: string): Fields {
  const value = parseJson(text);
  return isObject(value) ? value : {};
}

/** A text of at most so many UTF-16 code units. */
export function isText(value: unknown, maxUnits: number): value is string {
  return typeof value === "string" && value.length <= maxUnits;
}

/** An id that an instance or a connection gives itself; it can stand in a subject and in a header. */
export function isToken(value: unknown): value is string {
  return typeof value === "string" && /^[\w-]{1,64}$/.test(value);
}

/** A ClientId, by the same check as one in a path. */
export function isClientId(value: unknown): value is string {
  return typeof value === "string" && value.isWellFormed() &&
    decodeClientId(encodeURIComponent(value)) === value;
}

/** A count, or the number of a CALL. */
export function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** A measure, which may have a fraction. */
export function isAmount(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

/** Milliseconds that a `Date` can be made of. */
export function isTime(value: unknown): value is number {
  return typeof value === "number" && Math.abs(value) <= 8.64e15;
}

/** Numbers of CALLs, as many as are told in one go. */
export function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= MAX_NUMBERS && value.every(isNumber);
}
