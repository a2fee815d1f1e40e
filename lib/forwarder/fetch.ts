/**
 * The forwarder over `fetch`.
 *
 * @module
 */

import { traceHeaders } from "../codec/trace_context.ts";
import { utf8Text } from "./body.ts";
import type {
  BackendFault,
  BackendReply,
  BackendRequest,
  Forwarder,
  ForwarderOptions,
} from "./forwarder.ts";
import { signatureAt } from "./signature.ts";

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
export function createFetchForwarder(options: ForwarderOptions): Forwarder {
  const { backend, timeoutMs, maxBytes, userAgent, clock, signKey, tracing } = options;
  const basePath = new URL(backend).pathname;
  const timedOut = new Error("no answer in time");
  const client = Deno.createHttpClient({
    poolMaxIdlePerHost: options.maxIdleConnections,
    http2: false,
    caCerts: [...options.caCerts ?? []],
  });

  async function forward(request: BackendRequest): Promise<BackendReply> {
    const { origin } = request;
    const headers: [string, string][] = [
      ["content-type", "application/json"],
      ["accept", "application/json"],
      ["accept-encoding", "identity"],
      ["user-agent", userAgent],
      ["x-ws2api-connection", origin.connectionId],
      ["x-forwarded-for", origin.remoteAddress],
    ];
    if (origin.protocol !== null) headers.push(["x-ws2api-protocol", origin.protocol]);
    if (signKey !== undefined) {
      const value = signatureAt(signKey, clock.wallNow(), basePath + request.path, request.body);
      headers.push(["x-ws2api-signature", value]);
    }
    if (request.trace !== undefined) {
      const all = traceHeaders(request.trace);
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
        fetch(backend + request.path, {
          method: "POST",
          headers,
          body: request.body,
          redirect: "manual",
          signal: controller.signal,
          client,
        });
      const response = await (tracing === undefined ? post() : tracing.run(request.trace, post));
      hasAnswer = true;
      const body = await readCapped(response, maxBytes);
      if (body === undefined) return { ok: false, fault: "unusable" };
      const { status } = response;
      if (status === 401 || status === 403) {
        return { ok: true, status, body, challenge: response.headers.get("www-authenticate") };
      }
      const cacheControl = response.headers.get("cache-control");
      return cacheControl === null
        ? { ok: true, status, body }
        : { ok: true, status, body, cacheControl };
    } catch (error) {
      return { ok: false, fault: error === timedOut ? "timeout" : faultOf(error, hasAnswer) };
    } finally {
      clock.clearTimeout(timer);
    }
  }

  return { forward, close: () => client.close() };
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

/** The body as text; undefined when it is too long or no UTF-8. */
async function readCapped(response: Response, maxBytes: number): Promise<string | undefined> {
  if (response.body === null) return "";
  const length = response.headers.get("content-length");
  if (length !== null && Number(length) <= maxBytes) return utf8Text(await response.bytes());
  const chunks: Uint8Array[] = [];
  let total = 0;
  // Leaving the loop early cancels the body, which closes the connection.
  for await (const chunk of response.body) {
    total += chunk.length;
    if (total > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return utf8Text(join(chunks, total));
}

function join(chunks: readonly Uint8Array[], total: number): Uint8Array {
  if (chunks.length === 1) return chunks[0]!;
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
