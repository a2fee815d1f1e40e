/**
 * The queries of requests. Pure.
 *
 * @module
 */

import { decodeClientId } from "../codec/route.ts";
import type { HttpRequest } from "../request.ts";

/** What stands behind the path. */
export function queryOf({ url }: Pick<HttpRequest, "url">): URLSearchParams {
  const at = url.indexOf("?");
  return new URLSearchParams(at === -1 ? "" : url.slice(at + 1));
}

/** What is wrong with a query that may have each of these once, and nothing else. */
export function faultOf(query: URLSearchParams, known: readonly string[]): string | undefined {
  for (const name of query.keys()) {
    if (!known.includes(name)) return `only ${known.join(", ")} may stand in the query`;
    if (query.getAll(name).length > 1) return `${name} stands in the query more than once`;
  }
  return undefined;
}

/** Whether a text can be a ClientId. */
export function isClientId(text: string): boolean {
  return text.isWellFormed() && decodeClientId(encodeURIComponent(text)) === text;
}
