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
