/**
 * A process: a backend that hangs on some CALLs and answers others at length.
 *
 * Prints its port as the first line of standard output.
 *
 * @module
 */

import { writeOut } from "../process/text.ts";

/** Short enough for one frame, long enough to fill a socket that nobody reads. */
const BIG = JSON.stringify({ text: "x".repeat(10_000) });

const server = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: () => {} },
  async (request) => {
    await request.body?.cancel();
    const [, , action] = new URL(request.url).pathname.split("/");
    if (action === "Hang") return await new Promise<Response>(() => {});
    return new Response(action === "Big" ? BIG : "{}");
  },
);
writeOut(`${server.addr.port}\n`);
// Nothing comes here; the end does, also when whoever started this was killed.
for await (const _chunk of Deno.stdin.readable);
Deno.exit(0);
