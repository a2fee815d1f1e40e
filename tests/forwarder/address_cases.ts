/**
 * Cases that need more permissions than the tests are given; `request_test.ts` runs them.
 *
 * @module
 */

import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { systemClock } from "../../lib/clock.ts";
import { createLook } from "../../lib/forwarder/look.ts";
import { RawBackend, write } from "../support/backend.ts";
import { inTime } from "../support/deadline.ts";
import { testWith } from "../support/needs.ts";
import { TempDir } from "../support/program.ts";
import { answer, FORWARDERS, taken, TestForwarder } from "./implementations.ts";

function ok200(conn: Deno.Conn): Promise<void> {
  return write(conn, answer("{}"));
}

for (const hostname of ["127.0.0.1", "::1"] as const) {
  for (const [name] of FORWARDERS) {
    const needs = [`localhost as ${hostname}`] as const;
    testWith(needs, `${name}: localhost is reached when only ${hostname} is served`, async () => {
      const listener = Deno.listen({ hostname, port: 0 });
      await using backend = new RawBackend(
        ok200,
        listener as unknown as Deno.Listener<Deno.TcpConn>,
      );
      using forwarder = new TestForwarder(name, `http://localhost:${backend.port}/`);
      deepStrictEqual(await forwarder.forward(), taken("{}"));
      match(backend.requests[0]!, new RegExp(`^host: localhost:${backend.port}\r$`, "mi"));
    });
  }
}

Deno.test("tcp: a backend at a socket file is reached", async () => {
  using dir = new TempDir();
  const path = dir.path("backend.sock");
  using forwarder = new TestForwarder("tcp", `unix:${path}`);
  deepStrictEqual(await forwarder.forward(), { ok: false, fault: "unreachable" });
  const listener = Deno.listen({ transport: "unix", path });
  await using backend = new RawBackend<Deno.UnixConn>(
    ok200,
    listener as unknown as Deno.Listener<Deno.UnixConn>,
  );
  for (let i = 0; i < 3; i++) deepStrictEqual(await forwarder.forward(), taken("{}"));
  deepStrictEqual([backend.requests.length, backend.connections], [3, 1]);
  match(backend.requests[0]!, /^POST \/call\/Act\/CP1\/1 HTTP\/1.1\r\nHost: localhost\r\n/);
  forwarder.close();
  strictEqual(await backend.ends.take("the connection's end"), 1);
});

Deno.test("a look goes to a socket file too", async () => {
  using dir = new TempDir();
  const path = dir.path("backend.sock");
  const listener = Deno.listen({ transport: "unix", path });
  await using _backend = new RawBackend<Deno.UnixConn>(
    async (conn) => {
      await write(conn, answer("{}"));
      conn.close();
    },
    listener as unknown as Deno.Listener<Deno.UnixConn>,
  );
  const look = createLook({ backend: `unix:${path}`, userAgent: "test", clock: systemClock });
  const living = new AbortController().signal;
  strictEqual(await inTime(look("answer", living), "a look"), "answered");
  strictEqual(await inTime(look("connection", living), "a look"), "connected");
});
