/**
 * Signs of life of owners as messages, and back (pure).
 *
 * @module
 */

import { isObject, parseJson } from "../../codec/json.ts";

/** What an owner says of itself, or its heir of it. */
export interface Sign {
  readonly owner: string;
  /** Counts what was said of this owner. */
  readonly number: number;
  /** Where its process is, when no other one can be there at the same time. */
  readonly place: string | null;
  /** It has left, and will say nothing more. */
  readonly isGone: boolean;
  /** Who took over what it had. */
  readonly heir: string | null;
}

export function signText({ owner, number, place, isGone, heir }: Sign): string {
  return JSON.stringify({ owner, number, place, isGone, heir });
}

/** Undefined when it is none. */
export function readSign(text: string): Sign | undefined {
  const fields = parseJson(text);
  if (!isObject(fields)) return undefined;
  const { owner, number, place, isGone, heir } = fields as Readonly<Record<string, unknown>>;
  if (!isToken(owner) || !isNumber(number)) return undefined;
  return {
    owner,
    number,
    // Many are kept in memory, whoever wrote them.
    place: typeof place === "string" && place.length <= MAX_PLACE ? place : null,
    isGone: isGone === true,
    heir: isToken(heir) ? heir : null,
  };
}

/** In UTF-16 code units: a machine's name and two addresses. */
const MAX_PLACE = 1000;

/** One that has room for many after it. */
function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 52;
}

/** A name that can stand in a subject. */
function isToken(value: unknown): value is string {
  return typeof value === "string" && /^[\w-]{1,64}$/.test(value);
}
