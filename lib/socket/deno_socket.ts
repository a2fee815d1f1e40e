/**
 * The WebSockets of the runtime.
 *
 * @module
 */

import type { Log } from "../log/log.ts";
import type { HttpRequest } from "../request.ts";
import { clearIdleTimer, forgetRequest } from "./forget_request.ts";
import type { SocketMaker, Upgraded } from "./socket.ts";
import { terminate } from "./terminate.ts";

/** Makes sockets by `Deno.upgradeWebSocket`. */
export function createDenoSockets(log: Log): SocketMaker {
  return {
    upgrade,
    cut(socket) {
      if (!terminate(socket)) log.warn("this runtime offers no way to cut a connection");
    },
    opened: (socket) => void forgetRequest(socket),
    closed: clearIdleTimer,
  };
}

/** @throws When the connection has ended already. */
function upgrade(
  { headers, upgrade }: HttpRequest,
  protocol: string | null,
  idleSeconds: number,
): Upgraded {
  if (upgrade === undefined) throw new TypeError("only an upgrade becomes a WebSocket");
  // The runtime looks at these alone. Of the offers it would not find one behind a comma without a
  // blank, so it is shown the one that was agreed.
  const shown = new Headers({
    upgrade: "websocket",
    connection: "Upgrade",
    "sec-websocket-key": headers.get("sec-websocket-key") ?? "",
    ...(protocol === null ? {} : { "sec-websocket-protocol": protocol }),
  });
  const upgraded = Deno.upgradeWebSocket(new Request("http://localhost/", { headers: shown }), {
    // The runtime pings after half of its idle time-out, and closes at its end.
    idleTimeout: idleSeconds,
    ...(protocol === null ? {} : { protocol }),
    ...upgrade,
  });
  upgraded.socket.binaryType = "arraybuffer";
  return upgraded;
}
