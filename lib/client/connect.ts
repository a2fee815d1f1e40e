/**
 * A client that is let in: from its upgrade to its connection.
 *
 * @module
 */

import type { Identity } from "../identity.ts";
import { disconnectReport } from "../report/report.ts";
import { Opening } from "../socket/opening.ts";
import type { Socket } from "../socket/socket.ts";
import { Connection, type ConnectionDeps } from "./connection.ts";
import { endedByClient } from "./ending.ts";

/**
 * Takes over a socket that is not open yet: the client's connection begins when it is. Of one that
 * never opens the backend is told as of any other that ends.
 */
export function connect(socket: Socket, identity: Identity, deps: ConnectionDeps): void {
  new Opening(socket, deps.sockets, {
    onOpen() {
      new Connection(socket, identity, deps).begin();
    },
    onNever(end) {
      if (!deps.disconnectHook) return;
      const { code, reason } = endedByClient(end);
      deps.deliveries.deliver(identity, disconnectReport(code, reason));
    },
  });
}
