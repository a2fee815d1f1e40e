/**
 * The Prefer header (RFC 7240).
 *
 * @module
 */

/** Longest header that is read: more preferences than there are. */
const MAX_CHARS = 1024;
/** Longest wait granted, in seconds: every wait has a limit. */
export const MAX_WAIT_SECONDS = 3600;

/**
 * Reads `wait` (RFC 7240 §4.3).
 *
 * A wait that is no whole number counts as absent, as the RFC has it for preferences that are not
 * understood; so does `wait=0`, for somebody who does not want to wait, and a header of more than
 * 1,024 characters. Of several the first counts.
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
  if (header === null || header.length > MAX_CHARS) return undefined;
  for (const preference of preferencesOf(header)) {
    const match = /^\s*wait\s*=\s*(?:"(\d+)"|(\d+))\s*(?:;.*)?$/i.exec(preference);
    if (match === null) continue;
    const seconds = Number(match[1] ?? match[2]);
    return seconds === 0 ? undefined : Math.min(seconds, MAX_WAIT_SECONDS);
  }
  return undefined;
}

/** Splits at commas that stand outside of quotes. */
function preferencesOf(header: string): string[] {
  const preferences: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let at = 0; at < header.length; at++) {
    const char = header[at];
    if (char === '"') isQuoted = !isQuoted;
    else if (char === "\\" && isQuoted) at++;
    else if (char === "," && !isQuoted) {
      preferences.push(header.slice(start, at));
      start = at + 1;
    }
  }
  preferences.push(header.slice(start));
  return preferences;
}
