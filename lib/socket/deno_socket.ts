/**
 * The WebSockets of the runtime.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { Log } from "../log/log.ts";
import type { HttpRequest, UpgradeSocket } from "../request.ts";
import { clearIdleTimer, forgetRequest } from "./forget_request.ts";
import type { SocketMaker, Upgraded } from "./socket.ts";
import { terminate } from "./terminate.ts";

/** Makes sockets by `Deno.upgradeWebSocket`. */
export function createDenoSockets(log: Log): SocketMaker {
  // Shown for each upgrade, since the runtime looks at its headers and at nothing else: to build one for
  // each takes as long as a CALL.
  const shown = new Request("http://localhost/", {
    headers: { upgrade: "websocket", connection: "Upgrade" },
  });
  return {
    upgrade: (request, protocol, idleSeconds) => upgrade(request, shown, protocol, idleSeconds),
    cut(socket) {
      if (!terminate(socket)) log.warn("this runtime offers no way to cut a connection");
    },
    opened: (socket) => void forgetRequest(socket as EventTarget),
    closed: clearIdleTimer,
  };
}

/** @throws When the connection has ended already. */
function upgrade(
  { headers, upgrade }: HttpRequest,
  shown: Request,
  protocol: string | null,
  idleSeconds: number,
): Upgraded {
  if (upgrade === undefined) throw new TypeError("only an upgrade becomes a WebSocket");
  // Once the stream is taken from it the socket no longer knows it.
  const handle: unknown = Reflect.get(upgrade.socket, "_handle");
  const { headers: shownHeaders } = shown;
  shownHeaders.set("sec-websocket-key", headers.get("sec-websocket-key") ?? "");
  // Of the offers the runtime would not find one behind a comma without a blank, so it is shown the one
  // that was agreed.
  shownHeaders.set("sec-websocket-protocol", protocol ?? "");
  const upgraded = Deno.upgradeWebSocket(shown, {
    // The runtime pings after half of its idle time-out, and closes at its end.
    idleTimeout: idleSeconds,
    ...(protocol === null ? {} : { protocol }),
    ...stilled(upgrade),
  });
  upgraded.socket.binaryType = "arraybuffer";
  upgraded.socket.addEventListener("open", () => letGo(handle, upgrade.socket), { once: true });
  return upgraded;
}

/**
 * A connection from which nothing is read until it is a WebSocket. The runtime (Deno 2.9.6) reads on
 * until the 101 has left, and loses what came by then: a client's first frame. There is no public way
 * to stop it; where the handle looks different nothing happens.
 */
function stilled({ socket, head }: UpgradeSocket): UpgradeSocket {
  const handle: unknown = Reflect.get(socket, "_handle");
  if (typeof handle === "object" && handle !== null && "readStop" in handle) {
    if (typeof handle.readStop === "function") handle.readStop();
  }
  const parts: Uint8Array[] = [head];
  for (let part = socket.read(); part !== null; part = socket.read()) parts.push(part);
  return { socket, head: Buffer.concat(parts) };
}

/**
 * Lets a handle forget the socket that its stream was taken from: the runtime keeps the handle for as
 * long as the client is connected, and with it some 2 KiB that nobody needs.
 */
function letGo(handle: unknown, socket: Socket): void {
  if (typeof handle !== "object" || handle === null) return;
  for (const symbol of Object.getOwnPropertySymbols(handle)) {
    if (Reflect.get(handle, symbol) === socket) Reflect.set(handle, symbol, undefined);
  }
}
