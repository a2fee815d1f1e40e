/**
 * Writing to standard output and standard error.
 *
 * @module
 */

/** Writes all of it at once. When nobody reads it any more, it is lost, and nothing else happens. */
export function print(
  file: { writeSync(bytes: Uint8Array): number },
  text: string | Uint8Array,
): void {
  let bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  try {
    while (bytes.length > 0) bytes = bytes.subarray(file.writeSync(bytes));
  } catch {
    // Whoever read this has gone; the gateway works without.
  }
}
