/**
 * For backends in TypeScript: is it the gateway who calls?
 *
 * The gateway signs each request when it runs with `--sign-key-file`. The check is over the path of
 * the request line and the body's bytes, both as they came: a proxy that rewrites paths must stand
 * behind it, and so must whatever parses the body.
 *
 * ```ts ignore
 * const key = new TextEncoder().encode("the same key as in --sign-key-file");
 *
 * Deno.serve(async (request) => {
 *   const body = await request.bytes();
 *   const { pathname, search } = new URL(request.url);
 *   const { method, headers } = request;
 *   if (!isFromGateway({ method, path: pathname + search, headers, body }, key)) {
 *     return new Response(null, { status: 401 });
 *   }
 *   return answer(pathname, body);
 * });
 * ```
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";

/** What the signature covers, and the headers that it stands in. */
export interface SignedRequest {
  readonly method: string;
  /** As in the request line, percent escapes and all. */
  readonly path: string;
  readonly headers: Headers;
  readonly body: Uint8Array | string;
}

/**
 * Whether the gateway made this request, and made it not long ago.
 *
 * @param request The request, untouched.
 * @param key The key of `--sign-key-file`, without the line end of the file.
 * @param maxAgeSeconds How old a request may be, and how far the two clocks may be apart. Whoever
 *   has seen a request can send it again for that long.
 * @param unixSeconds Now.
 */
export function isFromGateway(
  request: SignedRequest,
  key: Uint8Array,
  maxAgeSeconds = 300,
  unixSeconds = Date.now() / 1000,
): boolean {
  const { method, path, headers, body } = request;
  const given = headers.get("x-ws2api-signature") ?? "";
  const [, time, hex] = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(given) ?? [];
  if (time === undefined || hex === undefined) return false;
  if (Math.abs(unixSeconds - Number(time)) > maxAgeSeconds) return false;
  const expected = createHmac("sha256", key).update(`${time}\n${method}\n${path}\n`).update(body);
  // In constant time: how long a comparison takes must not tell how much of a guess was right.
  return timingSafeEqual(expected.digest(), Buffer.from(hex, "hex"));
}
