/**
 * The errorDescription of a CALLERROR or CALLRESULTERROR to a client.
 *
 * @module
 */

/** OCPP 2.x Part 4 §4.2.3: `string[255]`. 1.6 states no limit, and takes the same. */
const MAX_DESCRIPTION_CHARS = 255;

/**
 * A description as long as it may be.
 *
 * Characters are Unicode code points, as in the OCPP schemas' `maxLength`, so no surrogate pair is
 * taken apart.
 *
 * @param text Any text, however long.
 * @returns The text, or its first 255 characters.
 *
 * @example
 * ```ts
 * import { cutDescription } from "./description.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(cutDescription("too large"), "too large");
 * strictEqual(cutDescription("😀".repeat(256)), "😀".repeat(255));
 * ```
 */
export function cutDescription(text: string): string {
  if (text.length <= MAX_DESCRIPTION_CHARS) return text;
  // No character has more than two units: what is behind those is not looked at.
  const characters = [...text.slice(0, 2 * MAX_DESCRIPTION_CHARS)];
  return characters.slice(0, MAX_DESCRIPTION_CHARS).join("");
}
