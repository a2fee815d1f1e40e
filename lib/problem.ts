/**
 * Errors of the gateway's own over HTTP.
 *
 * @module
 */

import { STATUS_CODES } from "node:http";

/**
 * A response with a problem document (RFC 9457).
 *
 * @param status The HTTP status.
 * @param detail What is wrong with this request, in one sentence.
 * @param headers More headers.
 * @param members More members of the document.
 */
export function problem(
  status: number,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
  members: Readonly<Record<string, unknown>> = {},
): Response {
  const body = { type: "about:blank", title: STATUS_CODES[status], status, detail, ...members };
  return new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
}
