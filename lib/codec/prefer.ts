/**
 * The Prefer header (RFC 7240).
 *
 * @module
 */

/** Longest wait granted, in seconds: every wait has a limit. */
export const MAX_WAIT_SECONDS = 3600;

/**
 * Reads `wait` (RFC 7240 §4.3).
 *
 * A wait that is no whole number counts as absent, as the RFC has it for preferences that are not
 * understood; so does `wait=0`, for somebody who does not want to wait. Of several the first counts.
 *
 * @param header The header's value, null without one.
 * @returns Seconds, 1 to `MAX_WAIT_SECONDS`; undefined when the caller does not want to wait.
 *
 * @example
 * ```ts
 * import { readWaitSeconds } from "./prefer.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(readWaitSeconds("respond-async, Wait=10"), 10);
 * strictEqual(readWaitSeconds("respond-async"), undefined);
 * ```
 */
export function readWaitSeconds(header: string | null): number | undefined {
  if (header === null) return undefined;
  // At commas that stand outside of quotes.
  for (const preference of header.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? []) {
    const match = /^\s*wait\s*=\s*(?:"(\d+)"|(\d+))\s*(?:;.*)?$/i.exec(preference);
    if (match === null) continue;
    const seconds = Number(match[1] ?? match[2]);
    return seconds === 0 ? undefined : Math.min(seconds, MAX_WAIT_SECONDS);
  }
  return undefined;
}
