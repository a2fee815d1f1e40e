/**
 * PEM (RFC 7468).
 *
 * @module
 */

/**
 * The bytes of each block of a kind, such as `CERTIFICATE`; undefined for one that is no base64, or that
 * does not end: what is left of a file that was cut short must not pass for all of it.
 */
export function pemBlocks(text: string, kind: string): (Uint8Array | undefined)[] {
  const blocks = text.matchAll(
    new RegExp(`-----BEGIN ${kind}-----([^-]*)(-----END ${kind}-----)?`, "g"),
  );
  return Array.from(blocks, ([, base64 = "", end]) => {
    if (end === undefined) return undefined;
    try {
      return Uint8Array.fromBase64(base64);
    } catch {
      return undefined;
    }
  });
}
