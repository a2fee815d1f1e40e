/**
 * What comes in, as the rooms behind know it.
 *
 * @module
 */

import type { IncomingMessage } from "node:http";
import type { HttpRequest, UpgradeSocket } from "../request.ts";
import { RawHeaders } from "./headers.ts";

/** Methods whose body means nothing (RFC 9110 §9.3). */
const WITHOUT_BODY: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/** Whether a request asks for a WebSocket; one that asks for another protocol goes on as HTTP/1.1. */
export function asksForWebSocket({ method, headers }: IncomingMessage): boolean {
  return method === "GET" &&
    (headers.upgrade ?? "").split(",").some((each) => each.trim().toLowerCase() === "websocket");
}

/**
 * Reads a message's head.
 *
 * @param upgrade The connection, when it may become a WebSocket.
 * @returns Undefined for another version than HTTP/1, for a target that is no path, such as `*`, without
 * a Host, and for headers that cannot be.
 */
export function readRequest(
  message: IncomingMessage,
  upgrade?: UpgradeSocket,
): HttpRequest | undefined {
  const { method = "", url: target = "", rawHeaders, httpVersionMajor, httpVersionMinor } = message;
  if (httpVersionMajor !== 1) return undefined;
  const headers = RawHeaders.of(rawHeaders);
  if (headers === undefined) return undefined;
  // RFC 9112 §3.2; whoever judges an upgrade looks for it too, and knows the client.
  const needsHost = httpVersionMinor > 0 && upgrade === undefined;
  if (needsHost && !headers.has("host")) return undefined;
  const url = target.startsWith("/")
    ? `http://${headers.get("host") ?? ""}${target}`
    // The absolute form, which proxies may use (RFC 9112 §3.2.2).
    : /^https?:\/\//i.test(target) && URL.canParse(target)
    ? target
    : undefined;
  if (url === undefined) return undefined;
  return { method, url, headers, body: WITHOUT_BODY.has(method) ? null : message, upgrade };
}

/** Whether something belongs to a request beside its head. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
}
