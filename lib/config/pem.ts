/**
 * PEM (RFC 7468).
 *
 * @module
 */

/** The bytes of each block of a kind, such as `CERTIFICATE`; undefined for one that is no base64. */
export function pemBlocks(text: string, kind: string): (Uint8Array | undefined)[] {
  const blocks = text.matchAll(
    new RegExp(`-----BEGIN ${kind}-----([^-]*)-----END ${kind}-----`, "g"),
  );
  return Array.from(blocks, ([, base64 = ""]) => {
    try {
      return Uint8Array.fromBase64(base64);
    } catch {
      return undefined;
    }
  });
}
