/**
 * The forwarder over `fetch`.
 *
 * @module
 */

import { traceHeaders } from "../codec/trace_context.ts";
import { readText, utf8Text } from "./body.ts";
import {
  type BackendFault,
  type BackendReply,
  type ForwarderOptions,
  isRefusal,
} from "./forwarder.ts";
import type { Layer, Outer, Post } from "./layer.ts";
import { type Look, LOOK_TIMEOUT_MS, type LookOptions, MAX_ANSWER_BYTES, sightOf } from "./look.ts";
import { webhookHeaders } from "./signature.ts";

/**
 * Makes a forwarder that uses `fetch` on one HTTP client with keep-alive connections.
 *
 * Redirects are not followed: they are answers like any other. Answers are not decompressed.
 *
 * **What it cannot promise**: when a kept connection is cut before the headers of the answer are
 * complete, `fetch` itself sends the POST a second time on a new connection. A CALL can then reach
 * the backend twice, which `tests/forwarder/cut_test.ts` shows; the backend can tell by the URL. Nor
 * can it tell a connect that timed out from an answer that did.
 */
export function createFetchForwarder(options: ForwarderOptions): Layer {
  const { backend, timeoutMs, maxBytes, userAgent, clock, signKeys, tracing } = options;
  const basePath = new URL(backend).pathname;
  const timedOut = new Error("no answer in time");
  const client = Deno.createHttpClient({
    poolMaxIdlePerHost: options.maxIdleConnections,
    http2: false,
    caCerts: [...options.caCerts ?? []],
  });

  async function exchange({ request, path, webhookId, trace }: Post): Promise<BackendReply> {
    const { origin, body } = request;
    const headers: [string, string][] = [
      ["content-type", "application/json"],
      ["accept", "application/json"],
      ["accept-encoding", "identity"],
      ["user-agent", userAgent],
      ["x-ws2api-connection", origin.connectionId],
      ["x-forwarded-for", origin.remoteAddress],
    ];
    if (origin.protocol !== null) headers.push(["x-ws2api-protocol", origin.protocol]);
    if (webhookId !== undefined) {
      const message = { webhookId, path: basePath + path, body };
      headers.push(...webhookHeaders(message, signKeys, clock.wallNow()));
    }
    if (trace !== undefined) {
      const all = traceHeaders(trace);
      // The runtime that traces adds its own traceparent, and that alone.
      headers.push(...(tracing === undefined ? all : all.slice(1)));
    }
    // Not AbortSignal.timeout: its timer would live on for the whole time-out after each answer, and
    // at 1,500 requests a second that keeps 45,000 signals in memory.
    const controller = new AbortController();
    const timer = clock.setTimeout(() => controller.abort(timedOut), timeoutMs);
    let hasAnswer = false;
    try {
      const post = () =>
        fetch(backend + path, {
          method: "POST",
          headers,
          body,
          redirect: "manual",
          signal: controller.signal,
          client,
        });
      const response = await (tracing === undefined ? post() : tracing.run(trace, post));
      hasAnswer = true;
      if (response.body !== null && hasTwoLengths(response.headers)) {
        // Closes the connection.
        await response.body.cancel();
        return { ok: false, fault: "ambiguous" };
      }
      const text = await bodyOf(response, maxBytes);
      if (text === undefined) return { ok: false, fault: "unusable" };
      const { status } = response;
      if (isRefusal(status)) {
        const challenge = response.headers.get("www-authenticate");
        return { ok: true, status, body: text, challenge };
      }
      const cacheControl = response.headers.get("cache-control");
      const retryAfter = response.headers.get("retry-after");
      return {
        ...{ ok: true, status, body: text },
        ...(cacheControl === null ? {} : { cacheControl }),
        ...(retryAfter === null ? {} : { retryAfter }),
      };
    } catch (error) {
      return { ok: false, fault: error === timedOut ? "timeout" : faultOf(error, hasAnswer) };
    } finally {
      clock.clearTimeout(timer);
    }
  }

  let outer: Outer;
  return {
    forward(post) {
      post.sentAt = clock.now();
      void exchange(post).then((reply) => {
        post.repliedAt = clock.now();
        outer.replied(post, reply);
      });
    },
    repliesTo(other) {
      outer = other;
    },
    close: () => client.close(),
  };
}

/** The error's text is the only thing by which `fetch` tells a refused connection from a cut one. */
function faultOf(error: unknown, hasAnswer: boolean): BackendFault {
  if (!(error instanceof Error)) return "broken";
  if (hasAnswer) return "broken";
  const cause = error.cause instanceof Error ? error.cause.message : error.message;
  return /client error \(Connect\)|^Fetch failed: Requests to port/.test(cause)
    ? "unreachable"
    : "broken";
}

/** Of a length and chunks, `fetch` goes by the chunks, however many there are. */
function hasTwoLengths(headers: Headers): boolean {
  return headers.has("content-length") && headers.has("transfer-encoding");
}

/**
 * The body as text; undefined when it is too long or no UTF-8.
 *
 * @throws When it does not come to its end.
 */
async function bodyOf(response: Response, maxBytes: number): Promise<string | undefined> {
  const { body, headers } = response;
  if (body === null) return "";
  const length = headers.get("content-length");
  if (Number(length) > maxBytes) {
    // Closes the connection.
    await body.cancel();
    return undefined;
  }
  return length !== null && /^\d+$/.test(length)
    ? utf8Text(await response.bytes())
    : await readText(body, maxBytes);
}

/**
 * Looks whether the backend is there as `createLook` does, but the way that `fetch` goes, which may be
 * over a proxy or TLS: each look is a `GET` then.
 */
export function createFetchLook({ backend, userAgent, clock }: LookOptions): Look {
  return async (_wanted, signal) => {
    const controller = new AbortController();
    const giveUp = (): void => controller.abort();
    const timer = clock.setTimeout(giveUp, LOOK_TIMEOUT_MS);
    signal.addEventListener("abort", giveUp);
    const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0, http2: false });
    try {
      const response = await fetch(backend, {
        headers: { "user-agent": userAgent, "accept-encoding": "identity" },
        redirect: "manual",
        signal: controller.signal,
        client,
      });
      const { status, body } = response;
      return sightOf(status, body === null ? "" : await readText(body, MAX_ANSWER_BYTES) ?? "");
    } catch {
      return "nothing";
    } finally {
      clock.clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
      client.close();
    }
  };
}
