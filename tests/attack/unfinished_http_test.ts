/**
 * Connections of which nothing whole ever comes, or that go on after it came.
 *
 * @module
 */

import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { silentLog } from "../../lib/log/log.ts";
import { MetricSet } from "../../lib/metrics/metrics.ts";
import { listen, type ListenOptions } from "../../lib/listener/listener.ts";
import type { Handler } from "../../lib/listener/http_server.ts";
import { Unfinished } from "../../lib/listener/unfinished.ts";
import { respond } from "../../lib/problem.ts";
import { json, RecordingBackend } from "../support/backend.ts";
import { upgradeHead } from "../support/client.ts";
import { until } from "../support/deadline.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { TestGateway } from "../support/gateway.ts";
import { testWith } from "../support/needs.ts";
import { makeCertificate, TempDir } from "../support/program.ts";
import { ByteSocket, frameBytes } from "../support/websocket_bytes.ts";
import { testEachWebSocket as test } from "../support/websockets.ts";

const HOST = "Host: localhost\r\n";

/** A listener whose time stands still, and what its handler was asked. */
class Bench implements AsyncDisposable {
  private constructor(
    readonly url: string,
    readonly clock: FakeClock,
    readonly asked: readonly string[],
    readonly stop: (timeoutMs: number) => Promise<void>,
  ) {}

  static async start(handler: Handler): Promise<Bench> {
    const asked: string[] = [];
    const clock = new FakeClock();
    const options: ListenOptions = {
      ...{ tls: undefined, tcpBacklog: 100, isShared: false, hasRoom: () => true },
      ...{ log: silentLog, metrics: new MetricSet([]).metrics, clock },
    };
    const listener = await listen({ host: "127.0.0.1", port: 0 }, options, (request, peer) => {
      asked.push(`${request.method} ${new URL(request.url).pathname}`);
      return handler(request, peer);
    });
    return new Bench(listener.url, clock, asked, (timeoutMs) => listener.stop(timeoutMs));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(0);
    strictEqual(this.clock.timers, 0);
  }
}

function ok(): Response {
  return respond("ok", 200);
}

/** A CALL whose response waits for the client. */
function waiting(clientId: string, seconds = 1): string {
  return `POST /call/Act/${clientId}/1 HTTP/1.1\r\n${HOST}Prefer: wait=${seconds}\r\n` +
    "Content-Length: 0\r\n\r\n";
}

/** Whether the other end has closed; nothing but its end comes any more. */
async function ended(socket: ByteSocket): Promise<boolean> {
  await socket.rest();
  return true;
}

Deno.test("what is no whole request within ten seconds is closed, in each state", async (t) => {
  const rows: [name: string, bytes: string, answers: RegExp][] = [
    ["nothing", "", /^$/],
    ["half a request line", "GET /hea", /^$/],
    ["half a head", `GET / HTTP/1.1\r\n${HOST}X: ${"a".repeat(1000)}`, /^$/],
    ["a head without its end", `GET / HTTP/1.1\r\n${HOST}X: a\r\n`, /^$/],
    ["half a body", `POST /read HTTP/1.1\r\n${HOST}Content-Length: 10\r\n\r\nabc`, /^$/],
    [
      "half a chunk",
      `POST /read HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nab`,
      /^$/,
    ],
    ["an answered request", `GET / HTTP/1.1\r\n${HOST}\r\n`, /^HTTP\/1\.1 200 OK\r\n/],
    [
      "an answered request and half a next",
      `GET / HTTP/1.1\r\n${HOST}\r\nGET /`,
      /^HTTP\/1\.1 200 OK\r\n/,
    ],
    [
      "an answer to half a body",
      `POST / HTTP/1.1\r\n${HOST}Content-Length: 10\r\n\r\nabc`,
      /^HTTP\/1\.1 200 OK\r\n/,
    ],
    ["half a head that wants to upgrade", upgradeHead("/CP1").slice(0, -2), /^$/],
  ];
  for (const [name, bytes, answers] of rows) {
    await t.step(name, async () => {
      await using bench = await Bench.start(async ({ url, body }) => {
        if (new URL(url).pathname === "/read") { for await (const _ of body ?? []); }
        return ok();
      });
      using socket = await ByteSocket.connect(bench.url);
      await socket.write(bytes);
      // What came is there: another connection is served behind it.
      using other = await ByteSocket.connect(bench.url);
      await other.write(`GET /other HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
      await other.rest();
      if (answers.source !== "^$") match(await socket.head(), answers);
      bench.clock.tick(9499);
      // Each list is looked at twice a second.
      bench.clock.tick(1001);
      strictEqual(await ended(socket), true);
    });
  }
});

Deno.test("a request that is whole may take its time, and so may a stream of events", async () => {
  let answer = (): void => {};
  await using bench = await Bench.start((request) => {
    if (request.url.endsWith("/slow")) {
      return new Promise((resolve) => answer = () => resolve(ok()));
    }
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode("data: 1\n\n"));
      },
    });
    return respond(stream, 200, { "content-type": "text/event-stream" });
  });
  using slow = await ByteSocket.connect(bench.url);
  await slow.write(`GET /slow HTTP/1.1\r\n${HOST}\r\n`);
  using stream = await ByteSocket.connect(bench.url);
  await stream.write(`GET /stream HTTP/1.1\r\n${HOST}\r\n`);
  await stream.head();
  await until("both are asked", () => Promise.resolve(bench.asked.length === 2));
  bench.clock.tick(60_000);
  answer();
  match(await slow.head(), /^HTTP\/1\.1 200 OK\r\n/);
});

Deno.test("of pipelined requests a later one may take its time as well", async () => {
  let answer = (): void => {};
  await using bench = await Bench.start((request) =>
    request.url.endsWith("/slow") ? new Promise((resolve) => answer = () => resolve(ok())) : ok()
  );
  using socket = await ByteSocket.connect(bench.url);
  await socket.write(
    `GET / HTTP/1.1\r\n${HOST}\r\nGET /slow HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`,
  );
  match(await socket.head(), /^HTTP\/1\.1 200 OK\r\n/);
  await until("both are asked", () => Promise.resolve(bench.asked.length === 2));
  bench.clock.tick(60_000);
  answer();
  match(await socket.rest(), /HTTP\/1\.1 200 OK\r\n/);
});

test("an upgrade behind a request that is not answered ends its connection, and nothing else", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await gateway.connect("CP1");
  // Taken or refused, behind an answer that comes at once or waits for a client.
  for (const path of ["/CP2", "/", "/a/b"]) {
    for (const first of [`GET /healthz HTTP/1.1\r\n${HOST}\r\n`, waiting("CP1")]) {
      using socket = await ByteSocket.connect(gateway.url);
      await socket.write(first + upgradeHead(path));
      await socket.rest();
      strictEqual((await gateway.api("/healthz")).status, 200);
    }
  }
  strictEqual(JSON.parse((await gateway.api("/clients")).text).total, 1);
  await client.close();
});

test("a connection that pipelines without end is cut, and others are served", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  using socket = await ByteSocket.connect(gateway.url);
  await socket.write(waiting("nobody", 5) + `GET /healthz HTTP/1.1\r\n${HOST}\r\n`.repeat(20_000));
  await socket.rest();
  strictEqual((await gateway.api("/healthz")).status, 200);
});

test("with all places taken by those who never speak the oldest of them goes for a newer one", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--max-connections=10"]);
  const silent = await Promise.all(
    Array.from({ length: 100 }, () => ByteSocket.connect(gateway.url)),
  );
  await until("a client is let in", async () => {
    using socket = await ByteSocket.connect(gateway.url);
    await socket.write(upgradeHead("/CP1"));
    return (await socket.head()).startsWith("HTTP/1.1 101 ");
  });
  for (const socket of silent) socket[Symbol.dispose]();
});

Deno.test("a listener that stops lets the responses under way leave", async () => {
  let answer = (): void => {};
  const bench = await Bench.start(() => new Promise((resolve) => answer = () => resolve(ok())));
  using socket = await ByteSocket.connect(bench.url);
  await socket.write(`GET /slow HTTP/1.1\r\n${HOST}\r\n`);
  await until("it is asked", () => Promise.resolve(bench.asked.length === 1));
  const stopped = bench.stop(1000);
  answer();
  match(await socket.rest(), /^HTTP\/1\.1 200 OK\r\n[^]*ok$/);
  await stopped;
  strictEqual(bench.clock.timers, 0);
});

Deno.test("a head of more than 16 KiB is refused before it ends", async () => {
  await using bench = await Bench.start(ok);
  using socket = await ByteSocket.connect(bench.url);
  await socket.write(`GET / HTTP/1.1\r\n${HOST}X: ${"a".repeat(64_000)}`);
  match(await socket.rest(), /^HTTP\/1\.1 431 |^$/);
  deepStrictEqual(bench.asked, []);
});

Deno.test("of very many unfinished ones the oldest of the busiest address goes for a newer one", () => {
  const clock = new FakeClock();
  const unfinished = new Unfinished(clock, 10_000);
  const cut: number[] = [];
  const enter = (number: number, address: string): void =>
    unfinished.enter({ destroy: () => void cut.push(number) }, address);
  for (let i = 0; i < 100; i++) enter(i, `10.0.0.${i}`);
  for (let i = 100; i < 5500; i++) enter(i, "192.0.2.1");
  // All may still speak.
  deepStrictEqual(cut, []);
  clock.tick(500);
  deepStrictEqual(cut, Array.from({ length: 500 }, (_, i) => 100 + i));
  enter(5500, "192.0.2.2");
  strictEqual(cut.at(-1), 600);
  strictEqual(unfinished.size, 5000);
  clock.tick(10_000);
  strictEqual(unfinished.size, 0);
  unfinished.stop();
  strictEqual(clock.timers, 0);
});

testWith("openssl", "a TLS handshake that is not done within ten seconds is cut", async () => {
  using dir = new TempDir();
  const { cert, key } = await makeCertificate(dir);
  const clock = new FakeClock();
  const listener = await listen({ host: "127.0.0.1", port: 0 }, {
    ...{ tls: { cert, key }, tcpBacklog: 100, isShared: false, hasRoom: () => true },
    ...{ log: silentLog, metrics: new MetricSet([]).metrics, clock },
  }, ok);
  using silent = await ByteSocket.connect(listener.url);
  using half = await ByteSocket.connect(listener.url);
  await half.write("\x16\x03\x01");
  using http = Deno.createHttpClient({ caCerts: [cert] });
  // Those that came before it have been accepted.
  strictEqual(await (await fetch(listener.url, { client: http })).text(), "ok");
  clock.tick(10_500);
  for (const socket of [silent, half]) strictEqual(await ended(socket), true);
  await listener.stop(0);
  strictEqual(clock.timers, 0);
});

test("frames that come while the backend is asked about their client are taken in their order", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--connect-hook"]);
  let allow = (): void => {};
  backend.answer = ({ path, body }) =>
    path.startsWith("/connect/")
      ? new Promise((resolve) => allow = () => resolve(new Response(null, { status: 204 })))
      : json(body);
  using socket = await ByteSocket.connect(gateway.url);
  await socket.write(upgradeHead("/CP1"));
  await backend.next("/connect/");
  for (let i = 0; i < 40; i++) {
    await socket.write(frameBytes(`[2,"${i}","Echo",{"n":${i},"text":"${"x".repeat(1000)}"}]`));
    // Each in a packet of its own, as far as the other end has got.
    strictEqual((await gateway.api("/healthz")).status, 200);
  }
  allow();
  match(await socket.head(), /^HTTP\/1\.1 101 /);
  for (let i = 0; i < 40; i++) {
    match((await socket.text())!, new RegExp(`^\\[3,"${i}",\\{"n":${i},`));
  }
});

test("a peer that ends its side behind its request is answered", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await gateway.connect("CP1");
  using socket = await ByteSocket.connect(gateway.url);
  await socket.write(waiting("CP1", 10));
  await socket.endWriting();
  strictEqual(await client.next(), '[2,"1","Act",{}]');
  client.send('[3,"1",{"a":1}]');
  match(await socket.rest(), /^HTTP\/1\.1 200 OK\r\n[^]*\{"a":1\}$/);
  await client.close();
});

test("an upgrade that the HTTP parser does not see is refused before anybody is asked", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--connect-hook"]);
  using socket = await ByteSocket.connect(gateway.url);
  await socket.write(upgradeHead("/CP1", { Connection: "Upgrade\t" }));
  match(await socket.rest(), /^HTTP\/1\.1 400 /);
  deepStrictEqual(backend.paths(), []);
});
