/**
 * Signed requests: the backend can tell that it is the gateway who calls.
 *
 * @module
 */

import { createHmac } from "node:crypto";

/**
 * The value of `X-Ws2api-Signature`: `t=<unix seconds>,v1=<hex HMAC-SHA256>`.
 *
 * The HMAC is over `<t>\n<method>\n<path>\n<body>`, UTF-8, where the path is the request line's, as
 * it stands there. The time lets the backend refuse an old request that somebody sends again.
 *
 * @param key The secret key.
 * @param unixSeconds Now.
 * @param path The path of the request line, with the base URL's prefix.
 *
 * @example
 * ```ts
 * import { signature } from "./signature.ts";
 * import { match } from "node:assert/strict";
 *
 * const key = new TextEncoder().encode("secret");
 * match(signature(key, 1700000000, "POST", "/call/A/CP1/1", "{}"), /^t=1700000000,v1=[0-9a-f]{64}$/);
 * ```
 */
export function signature(
  key: Uint8Array,
  unixSeconds: number,
  method: string,
  path: string,
  body: string,
): string {
  const text = `${unixSeconds}\n${method}\n${path}\n${body}`;
  return `t=${unixSeconds},v1=${createHmac("sha256", key).update(text).digest("hex")}`;
}

/** The value for a POST that is sent at this time, in milliseconds since 1970. */
export function signatureAt(key: Uint8Array, wallMs: number, path: string, body: string): string {
  return signature(key, Math.floor(wallMs / 1000), "POST", path, body);
}
