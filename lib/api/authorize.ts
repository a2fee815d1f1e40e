/**
 * Who may use the HTTP API.
 *
 * @module
 */

import { createHash, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";

/** Why a request may not pass. */
export type Denial =
  /** The token is missing or wrong. */
  | "no_token"
  /** A page of another origin sent it, with the browser of somebody who may. */
  | "foreign_origin";

/** Why a request with these headers may not pass; null when it may. */
export type Authorize = (headers: Headers) => Denial | null;

/**
 * Asks for `Authorization: Bearer TOKEN` (RFC 6750 §2.1).
 *
 * Compares digests in constant time, so that neither the token nor its length can be measured.
 *
 * @param token The token. Undefined lets everybody pass but pages of other origins, which any browser
 * on this machine may show.
 * @param isLocal Whether only this machine reaches the API: a name other than localhost is then one
 * that somebody has pointed here.
 */
export function createAuthorize(token: string | undefined, isLocal: boolean): Authorize {
  if (token === undefined) {
    return (headers) =>
      isForeign(headers.get("origin"), headers.get("host"), isLocal) ? "foreign_origin" : null;
  }
  const expected = digest(token);
  return (headers) => {
    const given = /^bearer +(\S+) *$/i.exec(headers.get("authorization") ?? "")?.[1];
    return given !== undefined && timingSafeEqual(digest(given), expected) ? null : "no_token";
  };
}

/** Browsers name the origin with everything that changes something (Fetch Standard §3.2). */
function isForeign(origin: string | null, host: string | null, isLocal: boolean): boolean {
  if (origin === null) return false;
  if (!URL.canParse(origin)) return true;
  const { host: originHost, hostname } = new URL(origin);
  if (originHost !== host?.toLowerCase()) return true;
  return isLocal && hostname !== "localhost" && isIP(hostname.replace(/^\[|\]$/g, "")) === 0;
}

function digest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
