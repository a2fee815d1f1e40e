/**
 * The keys in the file of `--sign-key-file`.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { ReadValue } from "./value.ts";

/** How Standard Webhooks writes a key. */
const PREFIX = "whsec_";
/** A new key beside the older one, until the backend knows it. */
const MAX_KEYS = 2;

/**
 * Reads them: one or two lines of `whsec_` and base64, or all of it as one key.
 *
 * A file with one line that begins so holds nothing else: what is mistyped is not taken for a key of
 * other bytes.
 *
 * @param file What is in it, without the line end at its end. Not empty.
 * @returns The keys' bytes, in the order of their lines. Pure; never throws.
 *
 * @example
 * ```ts
 * import { readSignKeys } from "./sign_keys.ts";
 * import { deepStrictEqual } from "node:assert/strict";
 *
 * const file = new TextEncoder().encode("whsec_AQID\nwhsec_BAUG");
 * const value = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6)];
 * deepStrictEqual(readSignKeys(file), { ok: true, value });
 * ```
 */
export function readSignKeys(file: Uint8Array): ReadValue<readonly Uint8Array[]> {
  // A raw key may be any bytes.
  const text = Buffer.from(file.buffer, file.byteOffset, file.length).toString("latin1");
  const lines = text.split(/\r?\n/);
  if (!lines.some((line) => line.startsWith(PREFIX))) return { ok: true, value: [file] };
  const keys = lines.filter((line) => line !== "").map(keyOf);
  const value = keys.filter((key) => key !== undefined);
  if (value.length === keys.length && keys.length <= MAX_KEYS) return { ok: true, value };
  return {
    ok: false,
    allowed:
      "one or two lines of whsec_ and base64 with its padding, or one key without such a line",
  };
}

function keyOf(line: string): Uint8Array | undefined {
  const base64 = line.slice(PREFIX.length);
  if (!line.startsWith(PREFIX) || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined;
  try {
    return Uint8Array.fromBase64(base64, { lastChunkHandling: "strict" });
  } catch {
    return undefined;
  }
}
