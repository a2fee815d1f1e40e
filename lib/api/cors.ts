/**
 * Pages of other origins that are meant (Fetch Standard §3.2, CORS).
 *
 * @module
 */

import { respond, setHeader } from "../problem.ts";
import type { HttpRequest } from "../request.ts";

/** What such a page may send; methods are those of the API. */
const REQUEST_HEADERS = "Authorization, Content-Type, Prefer, Idempotency-Key, Traceparent, " +
  "Tracestate";
const METHODS = "GET, HEAD, POST, DELETE";
/** What it may read beside the body. */
const RESPONSE_HEADERS = "Ws2api-Outcome, Preference-Applied, Location, Retry-After, Allow, " +
  "Idempotency-Replayed, WWW-Authenticate";
/** Browsers ask again after two hours at the latest. */
const MAX_AGE_SECONDS = 600;

/**
 * Answers the question that a browser asks before it sends a page's request. It carries no token.
 *
 * @param allowOrigins Origins as browsers write them.
 * @returns Undefined when it is no such question, or none of those origins asks.
 */
export function preflight(
  request: HttpRequest,
  allowOrigins: readonly string[],
): Response | undefined {
  const { method, headers } = request;
  if (method !== "OPTIONS" || !headers.has("access-control-request-method")) return undefined;
  if (!allowOrigins.includes(headers.get("origin") ?? "")) return undefined;
  return respond(null, 204, {
    "access-control-allow-methods": METHODS,
    "access-control-allow-headers": REQUEST_HEADERS,
    "access-control-max-age": String(MAX_AGE_SECONDS),
  });
}

/** Lets the page that sent a request read its response, if it is one of those origins. */
export function share(
  { headers }: HttpRequest,
  response: Response,
  allowOrigins: readonly string[],
): void {
  if (allowOrigins.length === 0) return;
  const vary = response.headers.get("vary");
  setHeader(response, "vary", vary === null ? "Origin" : `${vary}, Origin`);
  const origin = headers.get("origin") ?? "";
  if (!allowOrigins.includes(origin)) return;
  setHeader(response, "access-control-allow-origin", origin);
  setHeader(response, "access-control-expose-headers", RESPONSE_HEADERS);
}
