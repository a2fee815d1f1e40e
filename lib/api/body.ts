/**
 * A request's body, with a bound.
 *
 * @module
 */

import { trimSpace } from "../codec/json.ts";
import { isObjectText } from "../codec/scan.ts";
import type { HttpRequest } from "../request.ts";

export type ReadBody =
  | { readonly ok: true; readonly payload: string }
  | { readonly ok: false; readonly status: 400 | 413; readonly detail: string };

/**
 * Reads a body that must be a JSON object. An empty one is `{}`.
 *
 * @param request The request. Of a body that is too long no more is read than tells so.
 * @param maxBytes The longest allowed.
 * @returns The object's text, byte for byte but for white space around it.
 */
export async function readPayload(request: HttpRequest, maxBytes: number): Promise<ReadBody> {
  const tooLarge = {
    ok: false,
    status: 413,
    detail: `the body is longer than ${maxBytes} bytes`,
  } as const;
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) return tooLarge;
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  let total = 0;
  try {
    for await (const chunk of request.body ?? []) {
      total += chunk.length;
      if (total > maxBytes) return tooLarge;
      text += decoder.decode(chunk, { stream: true });
    }
    text += decoder.decode();
  } catch {
    return { ok: false, status: 400, detail: "the body broke off or is not UTF-8" };
  }
  const payload = trimSpace(text);
  if (payload === "") return { ok: true, payload: "{}" };
  return isObjectText(payload)
    ? { ok: true, payload }
    : { ok: false, status: 400, detail: "the body is not a JSON object" };
}
