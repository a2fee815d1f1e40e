/**
 * The WebSockets of the runtime.
 *
 * @module
 */

import type { Log } from "../log/log.ts";
import { setHeader } from "../problem.ts";
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

function upgrade(request: Request, protocol: string | null, idleSeconds: number): Upgraded {
  // The runtime pings after half of its idle time-out, and closes at its end.
  const upgraded = Deno.upgradeWebSocket(request, { idleTimeout: idleSeconds });
  // Given as an option it would throw for offers without a blank behind the comma.
  if (protocol !== null) setHeader(upgraded.response, "sec-websocket-protocol", protocol);
  upgraded.socket.binaryType = "arraybuffer";
  return upgraded;
}
