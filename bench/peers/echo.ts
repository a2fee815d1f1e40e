/**
 * A process: a bare WebSocket echo server, the least that a connected client costs in this runtime.
 *
 * Prints its port as the first line of standard output, and ends when its standard input is closed.
 *
 * @module
 */

import { writeOut } from "../process/text.ts";

const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.onmessage = ({ data }) => socket.send(data);
  return response;
});
writeOut(`${server.addr.port}\n`);
// Nothing comes here; the end does, also when whoever started this was killed.
for await (const _chunk of Deno.stdin.readable);
Deno.exit(0);
