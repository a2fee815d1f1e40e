/**
 * What a client's request asks for.
 *
 * @module
 */

import { decodeClientId } from "../codec/route.ts";
import { negotiate, type Negotiation } from "../codec/subprotocol.ts";
import type { RefusalReason } from "../metrics/labels.ts";
import { problem } from "../problem.ts";
import type { HttpRequest, RequestHeaders } from "../request.ts";

export interface HandshakeOptions {
  /** Begins and ends with a slash. */
  readonly wsPath: string;
  readonly protocols: readonly string[];
  readonly requireProtocol: boolean;
  /**
   * What becomes of a client that offers only subprotocols that are not served: `refuse` answers 400, and
   * `close` lets `readHandshake` pass, so that the connection can be closed behind the handshake.
   */
  readonly noCommonProtocol: "refuse" | "close";
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
  { wsPath, protocols, requireProtocol, noCommonProtocol }: HandshakeOptions,
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
  if (agreed.kind === "none_in_common" && noCommonProtocol === "refuse") {
    const detail = `no subprotocol in common; served: ${protocols.join(", ")}`;
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
  // Some stations' libraries send a length of 0 with it.
  if (!/^0+$/.test(headers.get("content-length") ?? "0") || headers.has("transfer-encoding")) {
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

/** The answer to a request that a client would not send. */
export function notAnUpgrade(path: string, wsPath: string): Response {
  const rawClientId = path.slice(wsPath.length);
  return !path.startsWith(wsPath) || rawClientId === "" || rawClientId.includes("/")
    ? problem(404, "no such path")
    : problem(426, "a client connects with a WebSocket upgrade", {
      upgrade: "websocket",
      connection: "Upgrade",
    });
}
