/**
 * Requests that are refused before anybody could serve them.
 *
 * @module
 */

import { STATUS_CODES } from "node:http";
import type { Log } from "../log/log.ts";
import type { UnreadStatus } from "../metrics/labels.ts";
import type { Metrics } from "../metrics/metrics.ts";

/** Tells of them. */
export interface RefusalsDeps {
  readonly log: Log;
  readonly metrics: Pick<Metrics, "requestsRefused">;
}

/** A refusal: what is answered, and why, in words. */
export interface Unread {
  readonly status: UnreadStatus;
  readonly reason: string;
}

/** What has not come whole in time. */
export const TOO_SLOW: Unread = { status: "408", reason: "no whole request in 10 s" };

/** What a parser's error means, by its code. */
const FAULTS: Readonly<Record<string, Unread>> = {
  HPE_HEADER_OVERFLOW: { status: "431", reason: "the head has more than 16 KiB" },
  ERR_HTTP_REQUEST_TIMEOUT: TOO_SLOW,
};

/** What becomes of bytes that are no request. @param error What the parser says of them. */
export function faultOf({ code = "", message }: Error & { code?: string }): Unread {
  return FAULTS[code] ?? { status: "400", reason: message };
}

/** The whole of an answer that ends its connection. */
export function lastWords({ status }: Unread): string {
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n` +
    "Connection: close\r\nContent-Length: 0\r\n\r\n";
}

/** One was refused. @param remoteAddress Undefined when nobody knows any more. */
export function tellRefusal(
  { log, metrics }: RefusalsDeps,
  remoteAddress: string | undefined,
  { status, reason }: Unread,
): void {
  metrics.requestsRefused[status].add(1);
  const address = remoteAddress ?? null;
  log.warn("request refused unread", { remoteAddress: address, status: Number(status), reason });
}
