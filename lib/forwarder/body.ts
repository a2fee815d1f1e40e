/**
 * Bodies of answers: bytes to text.
 *
 * @module
 */

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
