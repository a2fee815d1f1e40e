/**
 * The HTTP upgrade: ask, refuse, or hand over a socket.
 *
 * @module
 */

import { isIP } from "node:net";
import { v7 as uuidv7 } from "uuid";
import { decodeClientId } from "../codec/route.ts";
import { negotiate } from "../codec/subprotocol.ts";
import { problem } from "../problem.ts";
import { Connection, type Shared } from "./connection.ts";

export interface UpgradeOptions {
  /** Begins and ends with a slash. */
  readonly wsPath: string;
  readonly protocols: readonly string[];
  readonly requireProtocol: boolean;
  readonly trustProxy: boolean;
  readonly maxConnections: number;
  /** 0 for no pings. */
  readonly pingIntervalMs: number;
}

/**
 * Answers a client's request.
 *
 * @param request The request.
 * @param path Its path as `rawPath` gives it.
 * @param peer The address at the other end of the socket.
 */
export type Upgrade = (request: Request, path: string, peer: string) => Response;

/** Whether a request wants to become a WebSocket. */
export function isUpgrade(request: Request): boolean {
  return request.method === "GET" && hasToken(request.headers.get("upgrade"), "websocket");
}

function hasToken(header: string | null, token: string): boolean {
  return header !== null &&
    header.split(",").some((part) => part.trim().toLowerCase() === token);
}

/** Makes the part that turns upgrades into connections. */
export function createUpgrade(options: UpgradeOptions, shared: Shared): Upgrade {
  const { wsPath, protocols, requireProtocol, trustProxy, maxConnections } = options;

  function refuse(status: number, detail: string, headers?: Record<string, string>): Response {
    shared.log.warn("upgrade refused", { status, detail });
    return problem(status, detail, headers);
  }

  return function upgrade(request: Request, path: string, peer: string): Response {
    if (!path.startsWith(wsPath)) return refuse(404, "no such path");
    const rawClientId = path.slice(wsPath.length);
    const { headers } = request;
    if (!isUpgrade(request)) {
      return rawClientId === "" || rawClientId.includes("/")
        ? problem(404, "no such path")
        : problem(426, "a client connects with a WebSocket upgrade", {
          upgrade: "websocket",
          connection: "Upgrade",
        });
    }
    const clientId = decodeClientId(rawClientId);
    if (clientId === undefined) return refuse(400, "the path holds no ClientId");
    if (headers.get("sec-websocket-version") !== "13") {
      return refuse(426, "the WebSocket version must be 13", { "sec-websocket-version": "13" });
    }
    // Deno checks neither of these (RFC 6455 §4.2.1).
    if (!hasToken(headers.get("connection"), "upgrade")) {
      return refuse(400, "the Connection header does not say Upgrade");
    }
    if (!/^[A-Za-z0-9+/]{22}==$/.test(headers.get("sec-websocket-key") ?? "")) {
      return refuse(400, "the Sec-WebSocket-Key is not 16 bytes in base64");
    }
    const agreed = negotiate(headers.get("sec-websocket-protocol"), protocols);
    if (agreed.kind === "none_offered" && requireProtocol) {
      return refuse(400, `a subprotocol is needed, one of ${protocols.join(", ")}`);
    }
    if (shared.isShuttingDown()) {
      return refuse(503, "the gateway is shutting down", { "retry-after": "5" });
    }
    if (shared.sockets.count >= maxConnections) {
      return refuse(503, "too many connections", { "retry-after": "30" });
    }
    // All that is needed of the request is read before the upgrade; afterwards reading throws.
    const protocol = agreed.kind === "agreed" ? agreed.protocol : null;
    const remoteAddress = addressOf(peer, trustProxy ? headers.get("x-forwarded-for") : null);
    const { response, socket } = Deno.upgradeWebSocket(request, {
      idleTimeout: options.pingIntervalMs / 1000,
    });
    // Given as an option it would throw for offers without a blank behind the comma.
    if (protocol !== null) response.headers.set("sec-websocket-protocol", protocol);
    socket.binaryType = "arraybuffer";
    if (agreed.kind === "none_in_common") {
      // OCPP-J 1.6 §3.1.2: complete the handshake without a subprotocol, then close.
      shared.log.warn("no subprotocol in common", { clientId });
      shared.sockets.count++;
      socket.addEventListener("open", () => socket.close(1002, "no subprotocol in common"));
      socket.addEventListener("close", () => shared.sockets.count--, { once: true });
      return response;
    }
    const connectedAt = Date.now();
    const connectionId = uuidv7();
    new Connection(
      socket,
      { clientId, connectionId, protocol, remoteAddress, connectedAt },
      shared,
    );
    return response;
  };
}

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
  const address = isIP(named) === 0 ? peer : named;
  // A socket that listens on [::] shows IPv4 peers in this form.
  return address.startsWith("::ffff:") && isIP(address.slice(7)) === 4 ? address.slice(7) : address;
}
