/**
 * A process: a backend that answers each CALL at once, and never those whose MessageId begins with `hang-`.
 *
 * Prints its port as the first line of standard output.
 *
 * @module
 */

import { writeOut } from "../process/text.ts";

const server = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: () => {} },
  async (request) => {
    await request.body?.cancel();
    if (request.url.includes("/hang-")) return await new Promise<Response>(() => {});
    return new Response('{"currentTime":"2026-01-01T00:00:00Z"}');
  },
);
writeOut(`${server.addr.port}\n`);
// Nothing comes here; the end does, also when whoever started this was killed.
for await (const _chunk of Deno.stdin.readable);
Deno.exit(0);
