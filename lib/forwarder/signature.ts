/**
 * Signed requests: the backend can tell that it is the gateway who calls.
 *
 * @module
 */

import { createHash, createHmac } from "node:crypto";

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

/** What is signed of a POST. */
export interface Message {
  /** A UUID. */
  readonly webhookId: string;
  /** The path of the request line, with the base URL's prefix. */
  readonly path: string;
  readonly body: string;
}

/**
 * The headers of Standard Webhooks 1.0 (https://www.standardwebhooks.com), and `X-Ws2api-Signature`.
 *
 * `Webhook-Signature` has `v1,<base64 HMAC-SHA256>` for each key, over `<id>.<timestamp>.<body>`. For it
 * to cover the path too, the id of a signed request ends with the path's hash.
 *
 * @param keys One, or two of which the first one makes the `X-Ws2api-Signature` too; undefined for
 *   none, and then there is the id alone.
 * @param wallMs Now, in milliseconds since 1970.
 */
export function webhookHeaders(
  { webhookId, path, body }: Message,
  keys: readonly Uint8Array[] | undefined,
  wallMs: number,
): [name: string, value: string][] {
  if (keys === undefined) return [["Webhook-Id", webhookId]];
  const seconds = Math.floor(wallMs / 1000);
  const id = boundId(webhookId, path);
  const text = `${id}.${seconds}.${body}`;
  const signatures = keys.map((key) => {
    return `v1,${createHmac("sha256", key).update(text).digest("base64")}`;
  });
  return [
    ["Webhook-Id", id],
    ["Webhook-Timestamp", String(seconds)],
    ["Webhook-Signature", signatures.join(" ")],
    ["X-Ws2api-Signature", signature(keys[0]!, seconds, "POST", path, body)],
  ];
}

/**
 * The id of a signed POST: `<uuid>_<base64url of SHA-256 of "POST " + path>`, the same in every try.
 *
 * @example
 * ```ts
 * import { boundId } from "./signature.ts";
 * import { match } from "node:assert/strict";
 *
 * match(boundId("0b1d", "/call/A/CP1/1"), /^0b1d_[A-Za-z0-9_-]{43}$/);
 * ```
 */
export function boundId(webhookId: string, path: string): string {
  return `${webhookId}_${createHash("sha256").update(`POST ${path}`).digest("base64url")}`;
}
