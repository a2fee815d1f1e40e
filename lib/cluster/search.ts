/**
 * Searching clients by their names.
 *
 * @module
 */

/**
 * Whether a ClientId contains the text, in upper or lower case.
 *
 * One regular expression for all of them, so that no copy of each in lower case is made.
 *
 * @param search Undefined for everybody.
 * @returns Undefined for everybody.
 *
 * @example
 * ```ts
 * import { matcherOf } from "./search.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(matcherOf("cp.1")?.("Site-CP.17"), true);
 * strictEqual(matcherOf("cp.1")?.("Site-CP017"), false);
 * ```
 */
export function matcherOf(search: string | undefined): ((clientId: string) => boolean) | undefined {
  if (search === undefined || search === "") return undefined;
  const pattern = new RegExp(RegExp.escape(search), "i");
  return (clientId) => pattern.test(clientId);
}
