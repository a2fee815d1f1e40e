/**
 * A look whether the backend is there, when no request of a client tells.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { backendAddress, dial } from "./dial.ts";
import { isFailing } from "./forwarder.ts";
import { probeBackend } from "./probe.ts";

/** What a look has found. */
export type Sight =
  /** No connection. */
  | "nothing"
  /** A connection, but no answer, or one that says that the backend is not there. */
  | "connected"
  | "answered";

/**
 * Looks once. Never rejects.
 *
 * @param wanted A mere `connection`, without a request; or an `answer` to `GET <base URL>`, which is
 *   never signed.
 * @param signal Gives up when it aborts.
 */
export type Look = (wanted: "connection" | "answer", signal: AbortSignal) => Promise<Sight>;

export interface LookOptions {
  /** Base URL, ending with a slash, or `unix:/path/of.socket`. */
  readonly backend: string;
  readonly userAgent: string;
  readonly clock: Clock;
}

/** A look takes no longer: the next one may find what this one does not. */
export const LOOK_TIMEOUT_MS = 3000;
/** What is read of an answer, in bytes: enough for a head and an error of the backend's own. */
export const MAX_ANSWER_BYTES = 64 * 1024;

/** Looks over connections of its own, which are not kept. */
export function createLook({ backend, userAgent, clock }: LookOptions): Look {
  const address = backendAddress(backend);
  // Of HTTP/1.0, so that the answer has no chunks and its end is the connection's.
  const request = new TextEncoder().encode(
    `GET ${address.basePath} HTTP/1.0\r\nHost: ${address.host}\r\nAccept: */*\r\n` +
      `User-Agent: ${userAgent}\r\nConnection: close\r\n\r\n`,
  );

  async function ask(signal: AbortSignal): Promise<Sight> {
    const conn = await dial(address, { timeoutMs: LOOK_TIMEOUT_MS, signal, clock });
    if (conn === undefined) return "nothing";
    let isOpen = true;
    const close = (): void => {
      if (isOpen) conn.close();
      isOpen = false;
    };
    const timer = clock.setTimeout(close, LOOK_TIMEOUT_MS);
    signal.addEventListener("abort", close);
    let answer = "";
    try {
      await conn.write(request);
      const decoder = new TextDecoder();
      const buffer = new Uint8Array(MAX_ANSWER_BYTES);
      // Of an answer that is none its beginning is enough.
      for (let left = MAX_ANSWER_BYTES; left > 0 && sightIn(answer, false) !== "answered";) {
        const count = await conn.read(buffer);
        if (count === null) break;
        left -= count;
        answer += decoder.decode(buffer.subarray(0, count), { stream: true });
      }
    } catch {
      // It broke off, or took too long: what came counts.
    } finally {
      clock.clearTimeout(timer);
      signal.removeEventListener("abort", close);
      close();
    }
    return sightIn(answer, true);
  }

  return async (wanted, signal) => {
    if (wanted === "answer") return await ask(signal);
    const reason = await probeBackend(backend, LOOK_TIMEOUT_MS, clock, signal);
    return reason === undefined ? "connected" : "nothing";
  };
}

/**
 * What an answer tells.
 *
 * @param answer What came of it so far.
 * @param isWhole Whether more is to come.
 */
function sightIn(answer: string, isWhole: boolean): Sight {
  const [, digits] = /^HTTP\/1\.[01] ([1-5]\d\d)\b/.exec(answer) ?? [];
  if (digits === undefined || digits.startsWith("1")) return "connected";
  const status = Number(digits);
  const end = answer.indexOf("\r\n\r\n");
  const body = end === -1 ? "" : answer.slice(end + 4);
  if (isWhole) return sightOf(status, body);
  // Of these alone the body tells.
  return status >= 502 && status <= 504 ? "connected" : "answered";
}

/** What a whole answer tells. */
export function sightOf(status: number, body: string): Sight {
  return isFailing({ ok: true, status, body }) ? "connected" : "answered";
}
