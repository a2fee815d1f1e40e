import { deepStrictEqual } from "node:assert/strict";
import { systemClock } from "../../lib/clock.ts";
import type { BackendReply, Forwarder } from "../../lib/forwarder/forwarder.ts";
import { forwarderOver } from "../../lib/forwarder/layer.ts";
import { createTcpForwarder } from "../../lib/forwarder/tcp.ts";
import { RawBackend, write } from "../support/backend.ts";
import { inTime } from "../support/deadline.ts";
import { answer, REQUEST } from "./implementations.ts";

// What a reply causes happens while it is handed on, as a client's next CALL does.

function forwarderTo(backend: string, timeoutMs: number): Forwarder {
  return forwarderOver(createTcpForwarder({
    backend,
    timeoutMs,
    maxBytes: 100,
    maxIdleConnections: 4,
    userAgent: "ws2api/test",
    clock: systemClock,
  }));
}

Deno.test("a request that a late one's reply lets through has its time limit, on a connection that was idle", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accept = async (): Promise<Deno.Conn> => {
    const conn = await listener.accept();
    await conn.read(new Uint8Array(4096));
    return conn;
  };
  const forwarder = forwarderTo(`http://127.0.0.1:${listener.addr.port}/`, 300);
  const first = Promise.withResolvers<BackendReply>();
  const second = Promise.withResolvers<BackendReply>();
  const third = Promise.withResolvers<BackendReply>();
  forwarder.forward(REQUEST, { replied: first.resolve });
  using one = await inTime(accept(), "the first connection");
  forwarder.forward(REQUEST, {
    replied(reply) {
      second.resolve(reply);
      // As the next CALL of a client: while the reply is handed on.
      forwarder.forward(REQUEST, { replied: third.resolve });
    },
  });
  using _two = await inTime(accept(), "the second connection");
  await one.write(new TextEncoder().encode(answer("{}")));
  await first.promise;
  const timeout: BackendReply = { ok: false, fault: "timeout" };
  deepStrictEqual(await second.promise, timeout);
  try {
    deepStrictEqual(await inTime(third.promise, "the third reply"), timeout);
  } finally {
    forwarder.close();
  }
});

Deno.test("the request that a reply lets through goes out on the connection that was answered", async () => {
  await using backend = new RawBackend((conn) => write(conn, answer("{}")));
  const forwarder = forwarderTo(backend.url, 5000);
  const done = Promise.withResolvers<void>();
  const ask = (rest: number): void =>
    forwarder.forward(REQUEST, {
      replied: () => rest === 0 ? done.resolve() : ask(rest - 1),
    });
  ask(20);
  await inTime(done.promise, "the last reply");
  forwarder.close();
  deepStrictEqual([backend.requests.length, backend.connections], [21, 1]);
});
