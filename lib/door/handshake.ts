/**
 * What a client's request asks for.
 *
 * @module
 */

import { isIP } from "node:net";
import { decodeClientId } from "../codec/route.ts";
import { negotiate, type Negotiation } from "../codec/subprotocol.ts";
import type { RefusalReason } from "../metrics/metrics.ts";
import type { HttpRequest, RequestHeaders } from "../request.ts";

export interface HandshakeOptions {
  /** Begins and ends with a slash. */
  readonly wsPath: string;
  readonly protocols: readonly string[];
  readonly requireProtocol: boolean;
}

/** Why an upgrade is refused, and how. */
export interface Refusal {
  readonly cause: RefusalReason;
  readonly status: number;
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export type Handshake =
  | { readonly ok: true; readonly clientId: string; readonly agreed: Negotiation }
  | {
    readonly ok: false;
    /** As far as it is known. */
    readonly clientId?: string;
    readonly refusal: Refusal;
  };

/** Whether a request wants to become a WebSocket. */
export function isUpgrade(request: HttpRequest): boolean {
  return request.method === "GET" && hasToken(request.headers.get("upgrade"), "websocket");
}

function hasToken(header: string | null, token: string): boolean {
  return header !== null &&
    header.split(",").some((part) => part.trim().toLowerCase() === token);
}

/**
 * Reads the handshake of an upgrade (RFC 6455 §4.2.1). Pure.
 *
 * @param headers Of a request that `isUpgrade`.
 * @param path Its path as `rawPath` gives it.
 */
export function readHandshake(
  headers: RequestHeaders,
  path: string,
  { wsPath, protocols, requireProtocol }: HandshakeOptions,
): Handshake {
  if (!path.startsWith(wsPath)) return { ok: false, refusal: refusal("path", 404, "no such path") };
  const clientId = decodeClientId(path.slice(wsPath.length));
  if (clientId === undefined) {
    return { ok: false, refusal: refusal("client_id", 400, "the path holds no ClientId") };
  }
  const wrong = wrongHeader(headers);
  if (wrong !== undefined) return { ok: false, clientId, refusal: wrong };
  const agreed = negotiate(headers.get("sec-websocket-protocol"), protocols);
  if (agreed.kind === "none_offered" && requireProtocol) {
    const detail = `a subprotocol is needed, one of ${protocols.join(", ")}`;
    return { ok: false, clientId, refusal: refusal("protocol", 400, detail) };
  }
  return { ok: true, clientId, agreed };
}

function wrongHeader(headers: RequestHeaders): Refusal | undefined {
  if (headers.get("sec-websocket-version") !== "13") {
    const headers = { "sec-websocket-version": "13" };
    return { ...refusal("handshake", 426, "the WebSocket version must be 13"), headers };
  }
  // Deno checks none of these.
  if (!headers.has("host")) return refusal("handshake", 400, "an upgrade needs a Host");
  if ((headers.get("content-length") ?? "0") !== "0" || headers.has("transfer-encoding")) {
    return refusal("handshake", 400, "an upgrade has no body");
  }
  if (!hasToken(headers.get("connection"), "upgrade")) {
    return refusal("handshake", 400, "the Connection header does not say Upgrade");
  }
  if (!/^[A-Za-z0-9+/]{22}==$/.test(headers.get("sec-websocket-key") ?? "")) {
    return refusal("handshake", 400, "the Sec-WebSocket-Key is not 16 bytes in base64");
  }
  return undefined;
}

function refusal(cause: RefusalReason, status: number, detail: string): Refusal {
  return { cause, status, detail };
}

/** Longest address believed: an IPv6 address takes 45, and its scope may have any length. */
const MAX_ADDRESS_CHARS = 64;

/**
 * The client's address: the last one that the trusted peer named, or the peer's own.
 *
 * The last, because that is the one which the peer has seen itself; whatever stands before it may
 * come from the client.
 *
 * @param peer The address at the other end of the socket.
 * @param forwardedFor The X-Forwarded-For header, null when it is absent or not to be believed.
 */
export function addressOf(peer: string, forwardedFor: string | null): string {
  const named = forwardedFor?.split(",").at(-1)?.trim() ?? "";
  const address = named.length > MAX_ADDRESS_CHARS || isIP(named) === 0 ? peer : named;
  // A socket that listens on [::] shows IPv4 peers in this form.
  return address.startsWith("::ffff:") && isIP(address.slice(7)) === 4 ? address.slice(7) : address;
}
