/**
 * For backends in TypeScript: is it the gateway who calls?
 *
 * The gateway signs each request when it runs with `--sign-key-file`, in two ways: one of them is
 * enough, `isSignedByGateway` for lines of `whsec_…` or `isFromGateway`. Both are over the path of the
 * request line and the body's bytes, as they came: a proxy that rewrites paths must stand behind the
 * check, and so must whatever parses the body.
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
import { createHash, createHmac, timingSafeEqual } from "node:crypto";

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

/**
 * Whether the gateway made this request, by the headers of Standard Webhooks. A library does the same
 * but for the path: `new Webhook(secret).verify(body, headers)` of the npm package `standardwebhooks`.
 *
 * @param request The request, untouched.
 * @param secrets The lines of `--sign-key-file`, each `whsec_…`; at least one of them has signed.
 * @param maxAgeSeconds As for `isFromGateway`. For that long remember the ids that came, and do
 *   nothing twice.
 * @param unixSeconds Now.
 */
export function isSignedByGateway(
  { method, path, headers, body }: SignedRequest,
  secrets: readonly string[],
  maxAgeSeconds = 300,
  unixSeconds = Date.now() / 1000,
): boolean {
  const id = headers.get("webhook-id") ?? "";
  const time = headers.get("webhook-timestamp") ?? "";
  const hash = createHash("sha256").update(`${method} ${path}`).digest("base64url");
  if (!id.endsWith(`_${hash}`) || !/^\d{1,12}$/.test(time)) return false;
  if (Math.abs(unixSeconds - Number(time)) > maxAgeSeconds) return false;
  const given = (headers.get("webhook-signature") ?? "").split(" ");
  // Nothing else is a key: anyone can sign with an empty one.
  const keys = secrets.filter((secret) => /^whsec_[A-Za-z0-9+/]{4}/.test(secret));
  return keys.some((secret) => {
    const key = Buffer.from(secret.slice("whsec_".length), "base64");
    const expected = createHmac("sha256", key).update(`${id}.${time}.`).update(body);
    const signature = Buffer.from(`v1,${expected.digest("base64")}`);
    return given.some((each) => {
      const bytes = Buffer.from(each);
      return bytes.length === signature.length && timingSafeEqual(bytes, signature);
    });
  });
}
