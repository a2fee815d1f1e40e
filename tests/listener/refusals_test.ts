import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { UnreadStatus } from "../../lib/metrics/labels.ts";
import { upgradeHead } from "../support/client.ts";
import { until } from "../support/deadline.ts";
import { TestListener } from "../support/test_listener.ts";
import { ByteSocket } from "../support/websocket_bytes.ts";

const EVENT = "request refused unread";
const HOST = "Host: localhost\r\n";

function headerLines(count: number): string {
  return Array.from({ length: count }, (_, i) => `X-${i}: v\r\n`).join("");
}

/** Sends what is no request; the status that comes back. */
async function statusOf(listener: TestListener, bytes: string): Promise<number> {
  using socket = await ByteSocket.connect(listener.url);
  await socket.write(bytes);
  return Number((await socket.head()).split(" ")[1]);
}

Deno.test("what is refused before anybody could serve it is logged and counted", async (t) => {
  const rows: [name: string, bytes: string, status: UnreadStatus, reason: RegExp][] = [
    [
      "a head of more than 16 KiB",
      `GET / HTTP/1.1\r\n${HOST}X: ${"x".repeat(16_400)}\r\n\r\n`,
      "431",
      /16 KiB/,
    ],
    ["the same of an upgrade", upgradeHead("/CP1", { X: "x".repeat(16_400) }), "431", /16 KiB/],
    [
      "4,000 headers of an upgrade",
      upgradeHead("/CP1").replace(HOST, HOST + headerLines(4000)),
      "431",
      /16 KiB/,
    ],
    ["a path of 17,000", `GET /${"a".repeat(17_000)} HTTP/1.1\r\n${HOST}\r\n`, "431", /16 KiB/],
    ["no HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "400", /Parse Error/],
    ["a control character", `GET / HTTP/1.1\r\n${HOST}X: a\x01b\r\n\r\n`, "400", /Parse Error/],
    [
      "two lengths",
      upgradeHead("/CP1", { "Content-Length": "0" }).replace(HOST, `${HOST}Content-Length: 0\r\n`),
      "400",
      /Parse Error/,
    ],
    ["no Host", "GET / HTTP/1.1\r\n\r\n", "400", /Host/],
    ["no path", `GET * HTTP/1.1\r\n${HOST}\r\n`, "400", /target/],
    ["an expectation", `GET / HTTP/1.1\r\n${HOST}Expect: cake\r\n\r\n`, "417", /Expect/],
  ];
  await using listener = await TestListener.start();
  for (const [name, bytes, status, reason] of rows) {
    await t.step(name, async () => {
      const before = listener.metrics.requestsRefused[status].sum;
      strictEqual(await statusOf(listener, bytes), Number(status));
      const [line, ...more] = listener.logged.take(EVENT);
      deepStrictEqual([line?.remoteAddress, line?.status], ["127.0.0.1", Number(status)]);
      match(String(line?.reason), reason);
      deepStrictEqual(more, []);
      strictEqual(listener.metrics.requestsRefused[status].sum, before + 1);
    });
  }
});

Deno.test("a head that does not come whole in 10 s is logged, a connection without any is not", async () => {
  await using listener = await TestListener.start();
  using half = await ByteSocket.connect(listener.url);
  using silent = await ByteSocket.connect(listener.url);
  await half.write("GET / HTTP/1.1\r\nHost:");
  using whole = await ByteSocket.connect(listener.url);
  await whole.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
  match(await whole.head(), / 200 /);
  listener.clock.tick(11_000);
  strictEqual(await half.rest(), "");
  strictEqual(await silent.rest(), "");
  deepStrictEqual(listener.logged.take(EVENT), [
    { remoteAddress: "127.0.0.1", status: 408, reason: "no whole request in 10 s" },
  ]);
  strictEqual(listener.metrics.requestsRefused["408"].sum, 1);
});

Deno.test("an expectation that cannot be met ends its connection, and is one line", async () => {
  await using listener = await TestListener.start();
  using socket = await ByteSocket.connect(listener.url);
  const head = `POST / HTTP/1.1\r\n${HOST}Expect: cake\r\nContent-Length: 1000\r\n\r\n`;
  await socket.write(head + head);
  match(await socket.head(), /^HTTP\/1\.1 417 .*\r\nconnection: close\r\n/is);
  strictEqual(await socket.rest(), "");
  listener.clock.tick(11_000);
  deepStrictEqual(listener.logged.take(EVENT).map(({ status }) => status), [417]);
});

Deno.test("hundreds of headers are served, as far as they fit into 16 KiB", async () => {
  await using listener = await TestListener.start();
  for (const count of [101, 1001]) {
    const bytes = `GET / HTTP/1.1\r\n${HOST}${headerLines(count)}\r\n`;
    ok(bytes.length < 16 * 1024);
    strictEqual(await statusOf(listener, bytes), 200);
  }
  deepStrictEqual(listener.logged.lines, []);
});

Deno.test("who goes in the middle of a head is no refusal", async () => {
  await using listener = await TestListener.start();
  const socket = await ByteSocket.connect(listener.url);
  await socket.write("GET / HTTP/1.1\r\nHost:");
  socket[Symbol.dispose]();
  strictEqual(await statusOf(listener, `GET / HTTP/1.1\r\n${HOST}\r\n`), 200);
  await until("a later one's line", async () => {
    await statusOf(listener, "GET / HTTP/1.1\r\n\r\n");
    return listener.logged.lines.length > 0;
  });
  deepStrictEqual(listener.logged.take(EVENT).map(({ reason }) => String(reason).slice(0, 11)), [
    "the request",
  ]);
});
