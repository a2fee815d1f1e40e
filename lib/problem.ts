/**
 * Errors of the gateway's own over HTTP, and the one place where responses are built.
 *
 * @module
 */

import { STATUS_CODES } from "node:http";

/** Tabs, visible ASCII and blanks, and what is beyond ASCII as bytes (RFC 9110 §5.5). */
const HEADER_VALUE = /^[\t -~\x80-\xff]*$/;

/**
 * A response. All of the gateway's are built here, for `new Response` takes header values that the
 * runtime cannot write: it ends the process over a control character. A header with such a value is
 * left out.
 *
 * @param body The body, null for none.
 * @param status The HTTP status.
 * @param headers What a value holds may come from outside.
 */
export function respond(
  body: BodyInit | null,
  status: number,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const areLegal = Object.values(headers).every(isHeaderValue);
  return new Response(body, { status, headers: areLegal ? headers : legalOf(headers) });
}

/** A response with a JSON document. */
export function respondJson(
  document: unknown,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const text = JSON.stringify(document);
  return respond(text, 200, { "content-type": "application/json", ...headers });
}

/** Adds a header to a response, or leaves it out as `respond` does. */
export function setHeader({ headers }: Response, name: string, value: string): void {
  if (isHeaderValue(value)) headers.set(name, value);
}

function isHeaderValue(value: string): boolean {
  return HEADER_VALUE.test(value);
}

function legalOf(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => isHeaderValue(value)));
}

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
  const type = { "content-type": "application/problem+json" };
  return respond(`${JSON.stringify(body)}\n`, status, { ...type, ...headers });
}
