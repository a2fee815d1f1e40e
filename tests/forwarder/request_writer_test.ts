import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import type { RequestKind } from "../../lib/codec/route.ts";
import { backendAddress } from "../../lib/forwarder/dial.ts";
import type { BackendRequest } from "../../lib/forwarder/forwarder.ts";
import { Post } from "../../lib/forwarder/layer.ts";
import { RequestWriter } from "../../lib/forwarder/request_writer.ts";
import { webhookHeaders } from "../../lib/forwarder/signature.ts";
import type { Origin } from "../../lib/identity.ts";
import { FakeClock } from "../support/fake_clock.ts";

const KEYS = [new TextEncoder().encode("a key of thirty-two characters..")];
const clock = new FakeClock();

function writerFor(backend: string, signKeys: readonly Uint8Array[] | undefined): RequestWriter {
  return new RequestWriter(backendAddress(backend), { userAgent: "ws2api/test", signKeys, clock });
}

/** What a request is on the wire, said in the plainest way. */
function expected(
  basePath: string,
  { path, body, origin, webhookId, trace }: BackendRequest,
  signKeys: readonly Uint8Array[] | undefined,
): Uint8Array {
  const visible = (text: string): string => text.replace(/[^!-~]/g, "");
  const bytes = new TextEncoder().encode(body);
  const webhook = webhookId === undefined
    ? []
    : webhookHeaders({ webhookId, path: basePath + path, body }, signKeys, clock.wallNow());
  const lines = [
    `POST ${basePath}${path} HTTP/1.1`,
    "Host: 127.0.0.1:5000",
    "User-Agent: ws2api/test",
    "Content-Type: application/json",
    "Accept: application/json",
    "Accept-Encoding: identity",
    `X-Ws2api-Connection: ${origin.connectionId}`,
    `X-Forwarded-For: ${visible(origin.remoteAddress)}`,
    ...origin.protocol === null ? [] : [`X-Ws2api-Protocol: ${visible(origin.protocol)}`],
    ...webhook.map(([name, value]) => `${name}: ${value}`),
    ...trace === undefined ? [] : [`traceparent: ${trace.traceparent}`],
    `Content-Length: ${bytes.length}`,
    "",
    "",
  ];
  return new Uint8Array([...new TextEncoder().encode(lines.join("\r\n")), ...bytes]);
}

const text = fc.oneof(
  fc.string({ unit: "grapheme-ascii", maxLength: 60 }),
  fc.string({ unit: "binary", maxLength: 60 }),
);
/** Around the bounds of the memory that is kept, too. */
const body = fc.oneof(
  text.map((each) => JSON.stringify({ each })),
  fc.integer({ min: 3400, max: 4200 }).map((length) => `"${"x".repeat(length)}"`),
  fc.integer({ min: 3400, max: 4200 }).map((length) => `"${"x".repeat(length)}ü"`),
  fc.constantFrom("{}", '{"ü":"🔌"}', '{"a":"\ud800"}', ""),
);
const path = fc.oneof(
  text.map((each) => `call/A/CP1/${encodeURIComponent(each.toWellFormed())}`),
  fc.integer({ min: 900, max: 1100 }).map((length) => `call/A/${"C".repeat(length)}/1`),
);
const origin: fc.Arbitrary<Origin> = fc.record({
  clientId: fc.constant("CP1"),
  connectionId: fc.uuid(),
  protocol: fc.option(fc.oneof(fc.constantFrom("ocpp1.6", "ocpp2.0.1"), text)),
  remoteAddress: fc.oneof(fc.ipV4(), fc.ipV6(), text),
});
const request: fc.Arbitrary<BackendRequest> = fc.record({
  kind: fc.constant<RequestKind>("call"),
  path,
  body,
  origin,
  webhookId: fc.option(fc.uuid(), { nil: undefined }),
  trace: fc.constantFrom(undefined, {
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  }),
});

Deno.test("a request is the same bytes however it is written, one after the other in one memory", () => {
  for (
    const [backend, basePath] of [["http://127.0.0.1:5000/", "/"], [
      "http://127.0.0.1:5000/a%20b/c/",
      "/a%20b/c/",
    ]] as const
  ) {
    for (const signKeys of [undefined, KEYS]) {
      const writer = writerFor(backend, signKeys);
      const memory = writer.memory();
      fc.assert(fc.property(request, (each) => {
        const written = writer.write(new Post(each, { replied() {} }), memory);
        deepStrictEqual(
          new TextDecoder().decode(written),
          new TextDecoder().decode(expected(basePath, each, signKeys)),
        );
      }));
    }
  }
});

Deno.test("a short request of ASCII is written where its connection keeps memory, others are not", () => {
  const writer = writerFor("http://127.0.0.1:5000/", undefined);
  const memory = writer.memory();
  const isKept = (body: string, path = "call/A/CP1/1"): boolean => {
    const origin = {
      clientId: "CP1",
      connectionId: "c",
      protocol: "ocpp1.6",
      remoteAddress: "127.0.0.1",
    };
    const post = new Post({ kind: "call", path, body, origin }, { replied() {} });
    return writer.write(post, memory).buffer === memory.buffer;
  };
  strictEqual(isKept("{}"), true);
  strictEqual(isKept(`{"a":"${"x".repeat(2000)}"}`), true);
  strictEqual(isKept(`{"a":"${"x".repeat(4000)}"}`), false);
  strictEqual(isKept('{"ü":1}'), false);
  strictEqual(isKept("{}", `call/A/${"C".repeat(1100)}/1`), false);
});

Deno.test("a body of any length is written whole, with its length", () => {
  const writer = writerFor("http://127.0.0.1:5000/", undefined);
  const memory = writer.memory();
  const origin = {
    clientId: "CP1",
    connectionId: "c",
    protocol: "ocpp1.6",
    remoteAddress: "127.0.0.1",
  };
  for (let length = 0; length < 5000; length++) {
    const body = "z".repeat(length);
    const post = new Post({ kind: "call", path: "call/A/CP1/1", body, origin }, { replied() {} });
    const text = new TextDecoder().decode(writer.write(post, memory));
    ok(text.endsWith(`\r\nContent-Length: ${length}\r\n\r\n${body}`), `${length}`);
    ok(text.startsWith("POST /call/A/CP1/1 HTTP/1.1\r\nHost: 127.0.0.1:5000\r\n"));
  }
});
