/**
 * A process: the backend that mevdschee/ws2api wants, whose requests are other ones than ours.
 *
 * `GET /<ClientId>` asks whether a client may connect and is answered `ok`; `POST /<ClientId>` has a
 * whole frame and is answered with a whole frame. Its argument is its port, 0 for any. Prints its port
 * as the first line of standard output, and ends when its standard input is closed.
 *
 * @module
 */

import { writeOut } from "../process/text.ts";

/** What the other contenders' backend answers, too. */
const PAYLOAD = '{"currentTime":"2026-01-01T00:00:00Z"}';

const options = { hostname: "127.0.0.1", port: Number(Deno.args[0]), onListen: () => {} };
const server = Deno.serve(options, async (request) => {
  if (request.method === "GET") return new Response("ok");
  const [, id] = JSON.parse(await request.text());
  return new Response(`[3,${JSON.stringify(id)},${PAYLOAD}]`);
});
writeOut(`${server.addr.port}\n`);
// Nothing comes here; the end does, also when whoever started this was killed.
for await (const _chunk of Deno.stdin.readable);
Deno.exit(0);
