/**
 * URL paths of the two HTTP sides: `/<kind>/<Action>/<ClientId>/<MessageId>` and its segments.
 *
 * @module
 */

/** What the gateway posts to the backend. */
export const REQUEST_KINDS = [
  "call",
  "result",
  "error",
  "resulterror",
  "send",
  "connect",
  "disconnect",
] as const;
export type RequestKind = (typeof REQUEST_KINDS)[number];

/** Longest ClientId, in UTF-16 code units. */
export const MAX_CLIENT_ID_UNITS = 255;

/** Control characters, C1 too, and what a path would be shortened by. */
// deno-lint-ignore no-control-regex
const NO_NAME = /[\u0000-\u001f\u007f-\u009f]|(?:^|[/\\])\.{1,2}(?:$|[/\\])/;

/**
 * Whether a text can be a name: one path segment once it is percent-encoded.
 *
 * `.` and `..` cannot: URL parsers remove them even when written `%2e%2e`, and the request would
 * reach another path. Nor can they stand between `/` and `\`: some proxies remove them after they
 * have decoded the path. Text that is no valid Unicode has no percent-encoding.
 *
 * @param text A decoded segment.
 *
 * @example
 * ```ts
 * import { isSegment } from "./route.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(isSegment("a/b"), true);
 * strictEqual(isSegment("../r1"), false);
 * ```
 */
export function isSegment(text: string): boolean {
  return text !== "" && text.isWellFormed() && !NO_NAME.test(text);
}

/**
 * Decodes one segment of a request's path.
 *
 * @param raw The segment as it stands in the request line.
 * @returns The text, or undefined for a bad escape and for what can be no segment.
 */
export function decodeSegment(raw: string): string | undefined {
  try {
    const text = decodeURIComponent(raw);
    return isSegment(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Decodes a ClientId: one path segment, percent-decoded once as UTF-8, 1 to 255 UTF-16 code units,
 * no control characters, no `/`, no `.` or `..` when split at `\`.
 *
 * @param raw The segment as it stands in the request line.
 * @returns The ClientId, or undefined when it can be none.
 *
 * @example
 * ```ts
 * import { decodeClientId } from "./route.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(decodeClientId("RDAM%20123"), "RDAM 123");
 * strictEqual(decodeClientId("a%2Fb"), undefined);
 * ```
 */
export function decodeClientId(raw: string): string | undefined {
  const text = decodeSegment(raw);
  return text === undefined || text.length > MAX_CLIENT_ID_UNITS || text.includes("/")
    ? undefined
    : text;
}

/**
 * The path of a request to the backend, below its base.
 *
 * @param kind The first segment.
 * @param action A decoded segment, `isSegment`.
 * @param encodedClientId The ClientId, encoded already: it is the same for all of a connection.
 * @param messageId A decoded segment, `isSegment`.
 * @returns A path without a leading slash. It has exactly four segments, whatever the names.
 *
 * @example
 * ```ts
 * import { backendPath } from "./route.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(backendPath("call", "a/b", "CP1", "7"), "call/a%2Fb/CP1/7");
 * ```
 */
export function backendPath(
  kind: Exclude<RequestKind, "connect" | "disconnect">,
  action: string,
  encodedClientId: string,
  messageId: string,
): string {
  return `${kind}/${encodeSegment(action)}/${encodedClientId}/${encodeSegment(messageId)}`;
}

/** What `encodeURIComponent` does not leave alone (ECMA-262 §19.2.6.5). */
const RESERVED = /[^\w.!~*'()-]/;

/** `encodeURIComponent`, which most names would only be copied by. */
function encodeSegment(text: string): string {
  return RESERVED.test(text) ? encodeURIComponent(text) : text;
}

/**
 * The path of a hook below the backend's base: `connect/<ClientId>`, `disconnect/<ClientId>`.
 *
 * @param encodedClientId The ClientId, encoded already.
 */
export function hookPath(kind: "connect" | "disconnect", encodedClientId: string): string {
  return `${kind}/${encodedClientId}`;
}

function isHost(host: string): boolean {
  return !/[/?#\\@\s]/.test(host) && URL.canParse(`http://${host}`);
}

/**
 * The path of a request as its line had it: dot segments and escapes untouched, query removed.
 *
 * The URL is the Host header and the target, neither of them parsed, so a Host such as `x/clients`
 * would shift the path past a proxy's rules. Such a request has no path.
 *
 * @param url `request.url`.
 * @param host The Host header, null without one.
 * @returns The path, beginning with `/`; undefined for a Host that is no host, and for a fragment.
 */
export function rawPath(url: string, host: string | null): string | undefined {
  if (host !== null && host !== "" && !isHost(host)) return undefined;
  // A fragment has no place in a request line (RFC 9112 §3.2).
  if (url.includes("#")) return undefined;
  const query = url.indexOf("?");
  const end = query === -1 ? url.length : query;
  const start = url.indexOf("/", url.indexOf("://") + 3);
  return start === -1 || start >= end ? "/" : url.slice(start, end);
}
