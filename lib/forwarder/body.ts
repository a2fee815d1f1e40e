/**
 * Bodies of answers: bytes to text.
 *
 * @module
 */

import type { Buffer } from "node:buffer";

const decoder = new TextDecoder("utf-8", { fatal: true });

/** UTF-8 as text, without a byte order mark; undefined when it is no UTF-8. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return "";
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Whether a text is its own UTF-8. */
export function isAscii(text: string): boolean {
  // deno-lint-ignore no-control-regex
  return /^[\x00-\x7f]*$/.test(text);
}

/** Up to so many bytes a look at each is quicker than the decoder, which is long in coming. */
const FEW_BYTES = 512;

/** UTF-8 between two places of a buffer as text; undefined when it is no UTF-8. */
export function utf8TextOf(bytes: Buffer, from: number, to: number): string | undefined {
  if (from === to) return "";
  if (to - from > FEW_BYTES) return utf8Text(bytes.subarray(from, to));
  let all = 0;
  for (let at = from; at < to; at++) all |= bytes[at]!;
  return all < 0x80 ? bytes.toString("latin1", from, to) : utf8Text(bytes.subarray(from, to));
}

/** For the first bytes of a body of unknown length: what most answers take at most. */
const FIRST_BYTES = 8 * 1024;

/**
 * Reads a body of unknown length into one buffer that grows with it. The runtime is given that buffer
 * to write into, and so makes none of its own: those take 64 KiB for each chunk, be it of one byte.
 *
 * @param body Of a `fetch`.
 * @param maxBytes The longest body taken; no more than one byte beyond it is read.
 * @returns Its text; undefined when it is longer, or no UTF-8. Rejects when it breaks off.
 */
export async function readText(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<string | undefined> {
  const reader = body.getReader({ mode: "byob" });
  let buffer = new ArrayBuffer(Math.min(FIRST_BYTES, maxBytes + 1));
  let length = 0;
  while (true) {
    if (length === buffer.byteLength) {
      buffer = buffer.transfer(Math.min(2 * length, maxBytes + 1));
    }
    // The buffer goes to the runtime and comes back as another object.
    const { done, value } = await reader.read(new Uint8Array(buffer, length));
    if (value === undefined) return undefined;
    buffer = value.buffer;
    if (done) return utf8Text(new Uint8Array(buffer, 0, length));
    length += value.length;
    if (length > maxBytes) {
      // Closes the connection; what is still to come is of no use.
      await reader.cancel();
      return undefined;
    }
  }
}
