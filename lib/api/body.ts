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
  | { readonly ok: false; readonly status: 400 | 413 | 429; readonly detail: string };

/** What of each body counts for no room: most have no more. */
const FREE_BYTES = 16 * 1024;

/** Owns the count of what large bodies hold while they come in: thousands may begin and never end. */
export class BodyRoom {
  readonly #maxBytes: number;
  #bytes = 0;

  /** @param maxBytes What all bodies that come in at once may have beyond the first 16 KiB of each. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @returns Whether there is room for so many more; they must be given back then. */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.#maxBytes) return false;
    this.#bytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#bytes -= bytes;
  }
}

/**
 * Reads a body that must be a JSON object. An empty one is `{}`.
 *
 * @param request The request. Of a body that is too long no more is read than tells so.
 * @param maxBytes The longest allowed.
 * @param room For what is long.
 * @returns The object's text, byte for byte but for white space around it.
 */
export async function readPayload(
  request: HttpRequest,
  maxBytes: number,
  room: BodyRoom,
): Promise<ReadBody> {
  const taken = { bytes: 0 };
  try {
    return await readWithin(request, maxBytes, (total) => {
      const bytes = total - FREE_BYTES - taken.bytes;
      if (bytes <= 0) return true;
      if (!room.take(bytes)) return false;
      taken.bytes += bytes;
      return true;
    });
  } finally {
    room.giveBack(taken.bytes);
  }
}

/** @param hasRoom Whether a body may have so many bytes in all. */
async function readWithin(
  request: HttpRequest,
  maxBytes: number,
  hasRoom: (total: number) => boolean,
): Promise<ReadBody> {
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
      if (!hasRoom(total)) {
        return { ok: false, status: 429, detail: "too many large bodies come in at once" };
      }
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

/**
 * The headers of a refused body. One that is not read to its end ends its connection, so that its sender
 * stops.
 */
export function refusalHeaders(status: 400 | 413 | 429): Record<string, string> {
  if (status === 400) return {};
  return { connection: "close", ...(status === 429 ? { "retry-after": "1" } : {}) };
}
