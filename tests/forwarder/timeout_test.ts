import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type Clock, systemClock } from "../../lib/clock.ts";
import type { BackendReply } from "../../lib/forwarder/forwarder.ts";
import { RawBackend, write } from "../support/backend.ts";
import { inTime } from "../support/deadline.ts";
import { answer, FORWARDERS, taken, TestForwarder } from "./implementations.ts";

const TIMEOUT: BackendReply = { ok: false, fault: "timeout" };
const timeoutMs = 300;

/** A clock by which nothing is late that is meant to be answered, however busy the machine is. */
class Patience {
  /** Whether an answer is expected, and not silence. */
  isOn = false;
  readonly clock: Clock = {
    ...systemClock,
    setTimeout: (callback, ms) => systemClock.setTimeout(callback, this.isOn ? 40 * ms : ms),
  };
}

for (const [name] of FORWARDERS) {
  Deno.test(`${name}: a whole answer that does not come in time is a time-out, wherever it stops`, async () => {
    const rows: [name: string, bytes: string][] = [
      ["before the answer", ""],
      ["in the status line", "HTTP/1.1 20"],
      ["behind the status line", "HTTP/1.1 200 OK\r\n"],
      ["in a header", "HTTP/1.1 200 OK\r\nContent-Le"],
      ["before the end of the headers", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n"],
      ["behind a provisional answer", "HTTP/1.1 100 Continue\r\n\r\n"],
      ["before the body", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"],
      ["in the body", answer('{"a":1}').slice(0, -1)],
      ["before the first chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"],
      ["in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{"],
      ["before the last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"],
      [
        "in the trailers",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: 1\r\n",
      ],
      ["before the end of the connection", "HTTP/1.1 200 OK\r\n\r\n{}"],
    ];
    await Promise.all(rows.map(async ([row, bytes]) => {
      let isFirst = true;
      await using backend = new RawBackend((conn) => {
        const text = isFirst ? bytes : answer("{}");
        isFirst = false;
        return write(conn, text);
      });
      const patience = new Patience();
      const { clock } = patience;
      using forwarder = new TestForwarder(name, backend.url, { timeoutMs, clock });
      const start = performance.now();
      deepStrictEqual(await forwarder.forward(), TIMEOUT, row);
      const took = performance.now() - start;
      ok(took > timeoutMs - 20 && took < timeoutMs + 2000, `${row}: ${took} ms`);
      strictEqual(await backend.ends.take(`the connection's end: ${row}`), 1);
      patience.isOn = true;
      deepStrictEqual(await forwarder.forward(), taken("{}"), `after one ${row}`);
      deepStrictEqual([backend.requests.length, backend.connections], [2, 2], row);
    }));
  });

  Deno.test(`${name}: a kept connection that falls silent is a time-out, and is not used again`, async () => {
    let requests = 0;
    await using backend = new RawBackend(async (conn) => {
      if (++requests !== 2) await write(conn, answer("{}"));
    });
    // Long enough for the answers that do come.
    using forwarder = new TestForwarder(name, backend.url, { timeoutMs: 1500 });
    deepStrictEqual(await forwarder.forward(), taken("{}"));
    deepStrictEqual(await forwarder.forward(), TIMEOUT);
    strictEqual(await backend.ends.take("the connection's end"), 1);
    deepStrictEqual(await forwarder.forward(), taken("{}"));
    deepStrictEqual([backend.requests.length, backend.connections], [3, 2]);
  });

  Deno.test(`${name}: an answer that drips is a time-out all the same`, async () => {
    await using backend = new RawBackend(async (conn) => {
      await write(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
      for (let i = 0; i < 100; i++) {
        await write(conn, "x");
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    });
    using forwarder = new TestForwarder(name, backend.url, { timeoutMs });
    const start = performance.now();
    deepStrictEqual(await forwarder.forward(), TIMEOUT);
    ok(performance.now() - start < 1500);
    await backend.ends.take("the connection's end");
  });

  Deno.test(`${name}: a backend that does not read is a time-out`, async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    using forwarder = new TestForwarder(name, `http://127.0.0.1:${port}/`, { timeoutMs });
    const body = `"${"x".repeat(8 * 1024 ** 2)}"`;
    deepStrictEqual(await forwarder.forward({ body }), TIMEOUT);
    listener.close();
  });

  Deno.test(`${name}: many that are late end each at its own time`, async () => {
    await using backend = new RawBackend(() => {});
    using forwarder = new TestForwarder(name, backend.url, { timeoutMs });
    const ends: number[] = [];
    const all: Promise<void>[] = [];
    for (let i = 0; i < 5; i++) {
      const start = performance.now();
      all.push((async () => {
        deepStrictEqual(await forwarder.forward(), TIMEOUT);
        ends.push(performance.now() - start);
      })());
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    await Promise.all(all);
    for (const took of ends) ok(took > timeoutMs - 20 && took < timeoutMs + 1000, `${took} ms`);
    for (let i = 0; i < 5; i++) await backend.ends.take("a connection's end");
  });

  Deno.test(`${name}: a TLS handshake that does not end is given up`, async (t) => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    using forwarder = new TestForwarder(name, `https://127.0.0.1:${port}/`, { timeoutMs });
    const reply = forwarder.forward();
    const conn = await inTime(listener.accept(), "a connection");
    await t.step("the request never left", async () => {
      // `fetch` does not tell how far it came.
      const fault = name === "tcp" ? "unreachable" : "timeout";
      deepStrictEqual(await reply, { ok: false, fault });
    });
    // The runtime leaves the socket of its own TLS open then, which is why auto takes fetch for https.
    if (name === "fetch") {
      await t.step("the backend sees the end", async () => {
        const buffer = new Uint8Array(65536);
        while (await inTime(conn.read(buffer), "its end", 3000) !== null) { /* ClientHello */ }
      });
    }
    conn.close();
    listener.close();
  });

  Deno.test(`${name}: a connection that does not come about is given up`, async (t) => {
    // Nobody accepts: the kernel takes two, and lets the others wait.
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
    const { port } = listener.addr as Deno.NetAddr;
    const held: Deno.Conn[] = [];
    let isFull = false;
    while (!isFull && held.length < 10) {
      // The kernel takes at once what it has room for.
      const signal = AbortSignal.timeout(500);
      try {
        held.push(await Deno.connect({ hostname: "127.0.0.1", port, signal }));
      } catch {
        isFull = true;
      }
    }
    ok(isFull, "the kernel's queue is never full");
    const expected: BackendReply = {
      ok: false,
      // `fetch` does not tell how far it came.
      fault: name === "tcp" ? "unreachable" : "timeout",
    };
    for (const isClosed of [false, true]) {
      const step = isClosed ? "also when the forwarder is closed meanwhile" : "in time";
      await t.step(step, async () => {
        // `fetch` goes on until its time is over.
        const ms = isClosed && name === "tcp" ? 60_000 : timeoutMs;
        const url = `http://127.0.0.1:${port}/`;
        using forwarder = new TestForwarder(name, url, { timeoutMs: ms });
        const reply = forwarder.forward();
        if (isClosed) forwarder.close();
        deepStrictEqual(await inTime(reply, "the end of forward()", 3000), expected);
      });
    }
    for (const conn of held) conn.close();
    listener.close();
  });
}
