import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { RawBackend, write } from "../support/backend.ts";
import { answer, chunked, FORWARDERS, taken, TestForwarder } from "./implementations.ts";

const BODY = '{"a":"\xc3\xa9"}';
const REPLY = taken('{"a":"é"}');

const ANSWERS: [name: string, bytes: string][] = [
  ["a length", answer(BODY)],
  ["chunks", chunked(BODY.slice(0, 7), BODY.slice(7))],
  [
    "extensions, trailers and a provisional answer",
    "HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
    `7;x=y\r\n${BODY.slice(0, 7)}\r\n3\r\n${BODY.slice(7)}\r\n0\r\nT: u\r\n\r\n`,
  ],
];

/** Lets the other end, which is in this process, read what has been written. */
function tick(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

for (const [name] of FORWARDERS) {
  Deno.test(`${name}: an answer may come in any two pieces`, async (t) => {
    for (const [row, bytes] of ANSWERS) {
      await t.step(row, async () => {
        let at = 0;
        await using backend = new RawBackend(async (conn) => {
          conn.setNoDelay(true);
          await write(conn, bytes.slice(0, at));
          await tick();
          await write(conn, bytes.slice(at));
        });
        using forwarder = new TestForwarder(name, backend.url);
        for (at = 1; at < bytes.length; at++) {
          deepStrictEqual(await forwarder.forward(), REPLY, `${at} bytes, then the rest`);
        }
        strictEqual(backend.requests.length, bytes.length - 1);
        if (name === "tcp") strictEqual(backend.connections, 1);
      });
    }
  });

  Deno.test(`${name}: an answer may come byte by byte`, async () => {
    await using backend = new RawBackend(async (conn) => {
      conn.setNoDelay(true);
      for (const byte of ANSWERS.at(-1)![1]) {
        await write(conn, byte);
        await tick();
      }
    });
    using forwarder = new TestForwarder(name, backend.url);
    deepStrictEqual(await forwarder.forward(), REPLY);
  });

  Deno.test(`${name}: answers larger than any buffer come whole, and do not mix with the next`, async (t) => {
    const large = Array.from({ length: 30_000 }, (_, i) => `${i},`.padStart(10)).join("");
    const rows: [name: string, bytes: string, isCut?: true][] = [
      ["a length", answer(large)],
      ["one chunk", chunked(large)],
      ["many chunks", chunked(...large.match(/.{1,1000}/gs)!)],
      ["chunks of all lengths", chunked(...large.matchAll(/.{1,777}/gs).map(([text]) => text))],
      ["until the end", `HTTP/1.1 200 OK\r\n\r\n${large}`, true],
    ];
    for (const [row, bytes, isCut] of rows) {
      await t.step(row, async () => {
        let small = "";
        await using backend = new RawBackend(async (conn, request) => {
          if (request.startsWith("POST /small/")) return await write(conn, answer(small));
          await write(conn, bytes);
          if (isCut) conn.close();
        });
        using forwarder = new TestForwarder(name, backend.url, { maxBytes: large.length });
        for (let i = 0; i < 2; i++) {
          const reply = await forwarder.forward();
          ok(reply.ok && reply.body === large, "the large one");
          small = `{"n":${i}}`;
          deepStrictEqual(await forwarder.forward({ path: `small/${i}` }), taken(small));
        }
        if (name === "tcp" && !isCut) strictEqual(backend.connections, 1);
      });
    }
  });

  Deno.test(`${name}: requests larger than any buffer arrive whole`, async () => {
    await using backend = new RawBackend((conn) => write(conn, answer("{}")));
    using forwarder = new TestForwarder(name, backend.url);
    const body = `{"s":"${"0123456789".repeat(100_000)}"}`;
    for (let i = 0; i < 2; i++) deepStrictEqual(await forwarder.forward({ body }), taken("{}"));
    for (const request of backend.requests) ok(request.endsWith(`\r\n\r\n${body}`));
  });
}
