/**
 * Who may use the HTTP API.
 *
 * @module
 */

import { createHash, timingSafeEqual } from "node:crypto";

/** Whether a request with this Authorization header, null without one, may pass. */
export type Authorize = (authorization: string | null) => boolean;

/**
 * Asks for `Authorization: Bearer TOKEN` (RFC 6750 §2.1).
 *
 * Compares digests in constant time, so that neither the token nor its length can be measured.
 *
 * @param token The token; undefined lets everybody pass.
 */
export function createAuthorize(token: string | undefined): Authorize {
  if (token === undefined) return () => true;
  const expected = digest(token);
  return (authorization) => {
    const given = /^bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
    return given !== undefined && timingSafeEqual(digest(given), expected);
  };
}

function digest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
