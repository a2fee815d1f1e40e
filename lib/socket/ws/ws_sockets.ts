/**
 * The WebSockets of the library `ws`.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { Clock } from "../../clock.ts";
import type { HttpRequest } from "../../request.ts";
import type { SocketMaker, Upgraded } from "../socket.ts";
import { agreeOnDeflate, DeflateQueue } from "./deflate.ts";
import { type Agreed, agreedHeader } from "./library.ts";
import { Pings } from "./pings.ts";
import { Turns } from "./turns.ts";
import { WsSocket } from "./ws_socket.ts";

export interface WsSocketsOptions {
  readonly maxMessageBytes: number;
  /** Whether messages are compressed for clients that offer it. */
  readonly compression: boolean;
}

/** RFC 6455 §1.3 */
const KEY_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/**
 * Makes sockets by the library `ws`.
 *
 * @param clock Of all deadlines.
 * @param loop Of the turns that large work takes; another one where the time of `clock` stands still.
 */
export function createWsSockets(
  { maxMessageBytes, compression }: WsSocketsOptions,
  clock: Clock,
  loop: Clock = clock,
): SocketMaker {
  const shared = {
    maxMessageBytes,
    clock,
    queue: new DeflateQueue(loop),
    turns: new Turns(loop),
  };
  const pings = new Map<number, Pings>();

  function pingsOf(idleSeconds: number): Pings | undefined {
    if (idleSeconds === 0) return undefined;
    const known = pings.get(idleSeconds) ?? new Pings(clock, 1000 * idleSeconds);
    pings.set(idleSeconds, known);
    return known;
  }

  return {
    upgrade({ headers, upgrade }, protocol, idleSeconds): Upgraded {
      if (upgrade === undefined) throw new TypeError("only an upgrade becomes a WebSocket");
      const { socket: connection, head } = upgrade;
      if (connection.destroyed) throw new Error("the connection has ended");
      const agreed = compression
        ? agreeOnDeflate(headers.get("sec-websocket-extensions"))
        : undefined;
      connection.write(switching(headers, protocol, agreed));
      const socket = new WsSocket(connection, agreed, pingsOf(idleSeconds), shared);
      // Whoever asked listens by then.
      queueMicrotask(() => socket.open(head));
      return { response: { status: 101 }, socket };
    },
    cut: (socket) => (socket as WsSocket).cut(),
    opened() {},
    closed() {},
  };
}

/** The head that ends HTTP on a connection. */
function switching(
  headers: HttpRequest["headers"],
  protocol: string | null,
  agreed: Agreed | undefined,
): string {
  const key = headers.get("sec-websocket-key") ?? "";
  const lines = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${createHash("sha1").update(key + KEY_SUFFIX).digest("base64")}`,
  ];
  if (protocol !== null) lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
  if (agreed !== undefined) lines.push(`Sec-WebSocket-Extensions: ${agreedHeader(agreed)}`);
  return lines.join("\r\n") + "\r\n\r\n";
}
