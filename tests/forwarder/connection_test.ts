import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { BackendReply } from "../../lib/forwarder/forwarder.ts";
import { RawBackend, write } from "../support/backend.ts";
import { inTime } from "../support/deadline.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { answer, chunked, FORWARDERS, taken, TestForwarder } from "./implementations.ts";

const BROKEN: BackendReply = { ok: false, fault: "broken" };

/** Answers each request with its own path. */
async function echo(conn: Deno.Conn, request: string): Promise<void> {
  await write(conn, answer(pathOf(request)));
}

function pathOf(request: string): string {
  return /^POST \/(\S*) HTTP/.exec(request)![1]!;
}

for (const [name] of FORWARDERS) {
  Deno.test(`${name}: connections are kept and reused`, async () => {
    await using backend = new RawBackend(echo);
    using forwarder = new TestForwarder(name, backend.url);
    for (let i = 0; i < 5; i++) {
      deepStrictEqual(await forwarder.forward({ path: `${i}` }), taken(`${i}`));
    }
    deepStrictEqual([backend.requests.length, backend.connections], [5, 1]);
  });

  Deno.test(`${name}: 100 requests at once get each its own answer, in whatever order`, async () => {
    const waiting: (() => void)[] = [];
    await using backend = new RawBackend(async (conn, request) => {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length === 100) { for (const go of waiting.splice(0).reverse()) go(); }
      });
      await echo(conn, request);
    });
    using forwarder = new TestForwarder(name, backend.url);
    for (const round of ["a", "b"]) {
      const paths = Array.from({ length: 100 }, (_, i) => `${round}/${i}`);
      const replies = await Promise.all(paths.map((path) => forwarder.forward({ path })));
      deepStrictEqual(replies, paths.map((path) => taken(path)));
    }
    strictEqual(new Set(backend.requests.map(pathOf)).size, 200);
    strictEqual(backend.requests.length, 200);
  });

  Deno.test(`${name}: no more idle connections are kept than told`, async () => {
    const waiting: (() => void)[] = [];
    await using backend = new RawBackend(async (conn, request) => {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length === 10) { for (const go of waiting) go(); }
      });
      await echo(conn, request);
    });
    using forwarder = new TestForwarder(name, backend.url, { maxIdleConnections: 4 });
    await Promise.all(Array.from({ length: 10 }, () => forwarder.forward()));
    for (let i = 0; i < 6; i++) await backend.ends.take("the end of one too many");
    deepStrictEqual(backend.ends.left, []);
  });

  Deno.test(`${name}: a connection that ends while it is idle does no harm`, async (t) => {
    await t.step("the end is known before the next request", async () => {
      await using backend = new RawBackend(async (conn, request) => {
        await echo(conn, request);
        await conn.closeWrite();
      });
      using forwarder = new TestForwarder(name, backend.url);
      for (let i = 0; i < 20; i++) {
        deepStrictEqual(await forwarder.forward({ path: `${i}` }), taken(`${i}`));
        strictEqual(await backend.ends.take("the forwarder's end of it"), i + 1);
      }
      deepStrictEqual(backend.requests.map(pathOf), Array.from({ length: 20 }, (_, i) => `${i}`));
    });
    await t.step("the next request crosses the end", async () => {
      await using backend = new RawBackend(async (conn, request) => {
        await echo(conn, request);
        conn.close();
      });
      using forwarder = new TestForwarder(name, backend.url);
      for (let i = 0; i < 200; i++) {
        const reply = await forwarder.forward({ path: `${i}` });
        const arrived = backend.requests.filter((request) => pathOf(request) === `${i}`).length;
        if (reply.ok) deepStrictEqual([reply, arrived], [taken(`${i}`), 1]);
        else deepStrictEqual([reply, arrived], [BROKEN, 0]);
      }
    });
  });

  Deno.test(`${name}: bytes that nobody asked for end the connection and are no answer`, async (t) => {
    const rubbish: [name: string, text: string][] = [
      ["a whole answer", answer("evil")],
      ["an answer in chunks", chunked("evil")],
      ["a body that is longer than told", "evil"],
      ["half a head", "HTTP/1.1 200 OK\r\nContent-Length: "],
      ["a 408, as proxies send it", "HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n"],
      ["a provisional answer", "HTTP/1.1 100 Continue\r\n\r\n"],
      ["a line end", "\r\n"],
    ];
    for (const [row, text] of rubbish) {
      await t.step(`${row}, at once`, async () => {
        await using backend = new RawBackend((conn, request) =>
          write(conn, answer(pathOf(request)) + text)
        );
        using forwarder = new TestForwarder(name, backend.url);
        for (let i = 1; i <= 3; i++) {
          deepStrictEqual(await forwarder.forward({ path: `${i}` }), taken(`${i}`));
          if (name === "tcp") strictEqual(await backend.ends.take("the connection's end"), i);
        }
        strictEqual(backend.requests.length, 3);
        if (name === "tcp") strictEqual(backend.connections, 3);
      });
      await t.step(`${row}, while it is idle`, async () => {
        const idle: Deno.Conn[] = [];
        await using backend = new RawBackend(async (conn, request) => {
          idle.push(conn);
          await echo(conn, request);
        });
        using forwarder = new TestForwarder(name, backend.url);
        for (let i = 1; i <= 3; i++) {
          deepStrictEqual(await forwarder.forward({ path: `${i}` }), taken(`${i}`));
          await write(idle.at(-1)!, text);
          strictEqual(await backend.ends.take("the connection's end"), i);
        }
        deepStrictEqual([backend.requests.length, backend.connections], [3, 3]);
      });
    }
  });

  Deno.test(`${name}: an answer before the whole request came`, async (t) => {
    const body = `"${"x".repeat(8 * 1024 ** 2)}"`;
    const rows: [name: string, isLast: boolean][] = [["and that is all", true], [
      "and then the rest is read",
      false,
    ]];
    for (const [row, isLast] of rows) {
      await t.step(row, async () => {
        const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
        const { port } = listener.addr as Deno.NetAddr;
        using forwarder = new TestForwarder(name, `http://127.0.0.1:${port}/`);
        const reply = forwarder.forward({ body });
        const conn = await inTime(listener.accept(), "a connection");
        const buffer = new Uint8Array(1024 ** 2);
        await conn.read(buffer);
        const last = isLast ? ["Connection: close"] : [];
        await write(conn, answer("", ...last).replace("200 OK", "413 Too Large"));
        let more: number | null = 0;
        const drained = (async () => {
          if (isLast) await reply;
          while (more !== null) more = await conn.read(buffer).catch(() => null);
        })();
        deepStrictEqual(await reply, taken("", 413));
        forwarder.close();
        await inTime(drained, "the connection's end");
        conn.close();
        listener.close();
      });
    }
  });

  Deno.test(`${name}: close() ends what is idle and what is under way`, async (t) => {
    await t.step("idle connections", async () => {
      await using backend = new RawBackend(echo);
      using forwarder = new TestForwarder(name, backend.url);
      await Promise.all([forwarder.forward(), forwarder.forward(), forwarder.forward()]);
      forwarder.close();
      for (let i = 0; i < backend.connections; i++) await backend.ends.take("an end");
    });
    await t.step("a request that waits for its answer", async () => {
      const arrived = Promise.withResolvers<void>();
      await using backend = new RawBackend(() => arrived.resolve());
      using forwarder = new TestForwarder(name, backend.url, { timeoutMs: 500 });
      const reply = forwarder.forward();
      await inTime(arrived.promise, "the request");
      forwarder.close();
      strictEqual((await reply).ok, false);
      await backend.ends.take("the connection's end");
      strictEqual(backend.requests.length, 1);
    });
    await t.step("a request whose answer is half there", async () => {
      const arrived = Promise.withResolvers<void>();
      await using backend = new RawBackend(async (conn) => {
        await write(conn, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{");
        arrived.resolve();
      });
      using forwarder = new TestForwarder(name, backend.url, { timeoutMs: 500 });
      const reply = forwarder.forward();
      await inTime(arrived.promise, "the request");
      forwarder.close();
      strictEqual((await reply).ok, false);
      await backend.ends.take("the connection's end");
    });
  });
}

Deno.test("tcp: a kept connection is not used when the backend may be about to close it", async (t) => {
  const rows: [name: string, headers: string[], lastsMs: number][] = [
    ["after 4 s", [], 4000],
    ["a second before the backend's own time is over", ["Keep-Alive: timeout=3, max=9"], 2000],
    ["whatever longer time the backend has", ["Keep-Alive: timeout=60"], 4000],
    ["never, when that time is a second", ["Keep-Alive: timeout=1"], 0],
    ["never, when that time is nothing", ["Keep-Alive: max=5,timeout=0"], 0],
  ];
  for (const [row, headers, lastsMs] of rows) {
    await t.step(row, async () => {
      const clock = new FakeClock();
      await using backend = new RawBackend((conn) => write(conn, answer("{}", ...headers)));
      using forwarder = new TestForwarder("tcp", backend.url, { clock });
      await forwarder.forward();
      if (lastsMs > 0) {
        clock.tick(lastsMs - 1);
        await forwarder.forward();
        strictEqual(backend.connections, 1);
        clock.tick(lastsMs);
      }
      // Closed by the forwarder itself, without a next request.
      strictEqual(await backend.ends.take("its end"), 1);
      await forwarder.forward();
      strictEqual(backend.connections, 2);
      forwarder.close();
      strictEqual(clock.timers, 0, "no timer is left");
    });
  }
});

Deno.test("tcp: a request that a kept connection does not take goes out on a new one", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  using forwarder = new TestForwarder("tcp", `http://127.0.0.1:${port}/`);
  const buffer = new Uint8Array(4096);
  for (let i = 0; i < 50; i++) {
    const first = forwarder.forward();
    const conn = await inTime(listener.accept(), "a connection");
    // What is left unread makes the close a reset: the next write on it fails at once.
    await conn.read(buffer.subarray(0, 1));
    await write(conn, answer("{}"));
    deepStrictEqual(await first, taken("{}"));
    conn.close();
    const second = forwarder.forward();
    const other = await inTime(listener.accept(), "a new connection");
    await other.read(buffer);
    await write(other, answer("{}", "Connection: close"));
    deepStrictEqual(await second, taken("{}"));
    other.close();
  }
  listener.close();
});

Deno.test("tcp: a connection whose request is still going out is not used for another, and is afterwards", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  using forwarder = new TestForwarder("tcp", `http://127.0.0.1:${port}/`);
  const body = `"${"x".repeat(8 * 1024 ** 2)}"`;
  const buffer = new Uint8Array(1024 ** 2);
  const large = forwarder.forward({ body });
  const first = await inTime(listener.accept(), "a connection");
  let bytesTaken = await first.read(buffer) ?? 0;
  await write(first, answer("early"));
  deepStrictEqual(await large, { ok: true, status: 200, body: "early" });
  const small = forwarder.forward();
  const second = await inTime(listener.accept(), "a second connection");
  await second.read(buffer);
  await write(second, answer("{}", "Connection: close"));
  deepStrictEqual(await small, { ok: true, status: 200, body: "{}" });
  while (bytesTaken < body.length) {
    bytesTaken += await inTime(first.read(buffer), "the rest") ?? Infinity;
  }
  // The forwarder learns that its last bytes were taken.
  await new Promise((resolve) => setTimeout(resolve, 20));
  const again = forwarder.forward({ path: "again" });
  let text = "";
  while (!text.includes("again")) {
    const n = await inTime(first.read(buffer), "a request on the first connection");
    text += new TextDecoder().decode(buffer.subarray(0, n!));
  }
  await write(first, answer("again"));
  deepStrictEqual(await again, { ok: true, status: 200, body: "again" });
  for (const conn of [first, second]) conn.close();
  listener.close();
});
