/**
 * The header `Idempotency-Key`.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { CallRequest } from "../cluster/once.ts";
import type { Token } from "../config/token.ts";
import type { RequestKey } from "../outbox/entry.ts";
import type { RequestHeaders } from "../request.ts";

export type KeyRead =
  /** Undefined for a request without a key. */
  | { readonly ok: true; readonly key: RequestKey | undefined }
  | { readonly ok: false; readonly detail: string };

/**
 * Reads the key of a request. Pure.
 *
 * @param token Whose request it is: nobody meets another one's keys.
 * @param call What it asks for; `id` and `trace` may differ when it comes again.
 * @returns The key with the name of its token before it, and a fingerprint of the request.
 */
export function readRequestKey(
  headers: RequestHeaders,
  { name }: Pick<Token, "name">,
  call: CallRequest,
): KeyRead {
  const key = headers.get("idempotency-key");
  if (key === null) return { ok: true, key: undefined };
  if (!/^[!-~]{1,255}$/.test(key)) {
    return {
      ok: false,
      detail: "an Idempotency-Key has 1 to 255 visible ASCII characters, and there is one at most",
    };
  }
  // No key has a blank, so that no other name with another key is the same text.
  return { ok: true, key: { key: `${name} ${key}`, fingerprint: fingerprintOf(call) } };
}

/** @returns The same for the same request only. */
export function fingerprintOf(
  { action, clientId, messageId, payload, waitSeconds }: CallRequest,
): string {
  const names = JSON.stringify(["POST", "call", action, clientId, messageId, waitSeconds]);
  // No name has a line feed once it is JSON, so that the payload begins behind the first one.
  return createHash("sha256").update(`${names}\n${payload}`).digest("base64url");
}
