import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { systemClock } from "../../lib/clock.ts";
import { createFetchForwarder } from "../../lib/forwarder/fetch.ts";
import type { BackendReply, BackendRequest, Forwarder } from "../../lib/forwarder/forwarder.ts";
import { closedPort, RawBackend, write } from "../support/backend.ts";

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{"a":1}';

function forwarderTo(backend: string): Forwarder {
  return createFetchForwarder({
    backend,
    timeoutMs: 300,
    maxBytes: 100,
    maxIdleConnections: 4,
    userAgent: "ws2api/test",
    clock: systemClock,
  });
}

const REQUEST: BackendRequest = {
  kind: "call",
  path: "call/Act/CP1/1",
  body: "{}",
  origin: { connectionId: "c", protocol: null, remoteAddress: "127.0.0.1" },
};

async function forwardOnce(backend: string): Promise<BackendReply> {
  const forwarder = forwarderTo(backend);
  try {
    return await forwarder.forward(REQUEST);
  } finally {
    forwarder.close();
  }
}

Deno.test("one request gives the reply, or the fault that says whether it may have arrived", async (t) => {
  const good = { ok: true, status: 200, body: '{"a":1}' } as const;
  const rows: [name: string, answer: string | undefined, expected: BackendReply, cut?: true][] = [
    ["a length", OK, good],
    [
      "chunks",
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n',
      good,
    ],
    ["until the end of the connection", 'HTTP/1.0 200 OK\r\n\r\n{"a":1}', good, true],
    ["a provisional answer first", `HTTP/1.1 103 Early Hints\r\n\r\n${OK}`, good],
    ["no content", "HTTP/1.1 204 No Content\r\n\r\n", { ok: true, status: 204, body: "" }],
    [
      "a redirect, which is not followed",
      "HTTP/1.1 307 T\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
      { ok: true, status: 307, body: "" },
    ],
    ["exactly the bound", `HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n${"x".repeat(100)}`, {
      ok: true,
      status: 200,
      body: "x".repeat(100),
    }],
    [
      "one byte over the bound",
      `HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n${"x".repeat(101)}`,
      {
        ok: false,
        fault: "unusable",
      },
    ],
    ["no answer", undefined, { ok: false, fault: "timeout" }],
    ["half an answer", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", {
      ok: false,
      fault: "timeout",
    }],
    ["half an answer, then the end", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", {
      ok: false,
      fault: "broken",
    }, true],
    ["the end at once", "", { ok: false, fault: "broken" }, true],
    ["no HTTP", "SSH-2.0\r\n", { ok: false, fault: "broken" }, true],
  ];
  for (const [name, answer, expected, cut] of rows) {
    await t.step(name, async () => {
      await using backend = new RawBackend(async (conn) => {
        if (answer !== undefined) await write(conn, answer);
        if (cut) conn.close();
      });
      deepStrictEqual(await forwardOnce(backend.url), expected);
      strictEqual(backend.requests.length, 1);
    });
  }
  await t.step("a refused connection", async () => {
    const fault = await forwardOnce(`http://127.0.0.1:${closedPort()}/`);
    deepStrictEqual(fault, { ok: false, fault: "unreachable" });
  });
  await t.step("a name that does not resolve", async () => {
    const fault = await forwardOnce("http://nowhere.invalid:8080/");
    deepStrictEqual(fault, { ok: false, fault: "unreachable" });
  });
});

Deno.test("connections are kept and reused", async () => {
  await using backend = new RawBackend((conn) => write(conn, OK));
  const forwarder = forwarderTo(backend.url);
  for (let i = 0; i < 5; i++) await forwarder.forward(REQUEST);
  forwarder.close();
  deepStrictEqual([backend.requests.length, backend.connections], [5, 1]);
});

Deno.test("fetch itself sends a POST again when a kept connection is cut: its docstring says so", async () => {
  let seen = 0;
  await using backend = new RawBackend(async (conn) => {
    seen++;
    // The second request comes on the kept connection, is read, and cut without an answer.
    if (seen === 2) conn.close();
    else await write(conn, OK);
  });
  const forwarder = forwarderTo(backend.url);
  await forwarder.forward(REQUEST);
  const reply = await forwarder.forward(REQUEST);
  forwarder.close();
  strictEqual(reply.ok, true, "the gateway cannot even tell");
  strictEqual(seen, 3);
});
