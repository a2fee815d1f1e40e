/**
 * HTTP that no honest library sends. "The runtime's own" marks what `node:http` decides;
 * a change there is to be noticed.
 *
 * @module
 */

import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { json, RecordingBackend } from "../support/backend.ts";
import { upgradeHead } from "../support/client.ts";
import { connected } from "../support/connected.ts";
import { TestGateway } from "../support/gateway.ts";
import { ByteSocket, frameBytes } from "../support/websocket_bytes.ts";
import { testEachWebSocket as test } from "../support/websockets.ts";

/**
 * What becomes of the connection: it takes another request, is cut, waits for more, or is a
 * WebSocket. One that is `flooded` is cut while its request is still on the way, so that the
 * response may be lost.
 */
type After = "serves" | "ends" | "flooded" | "waits" | "upgraded";
type Row = [name: string, request: string, statuses: number[], after: After];

const HOST = "Host: localhost\r\n";
const HEALTH = `GET /healthz HTTP/1.1\r\n${HOST}\r\n`;
const LAST = `GET /healthz HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`;
/** Must never be seen as a request. */
const INNER = `POST /call/Smuggled/victim/s HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\n{}`;
const SIZE = INNER.length;

function get(target: string, headers = HOST, version = "HTTP/1.1"): string {
  return `GET ${target} ${version}\r\n${headers}\r\n`;
}

function post(headers: string, body = ""): string {
  return `POST /call/Act/nobody/1 HTTP/1.1\r\n${HOST}${headers}\r\n\r\n${body}`;
}

function upgrade(headers: Record<string, string | undefined> = {}, path = "/raw"): string {
  return upgradeHead(path, headers);
}

/** An upgrade with one more header line. */
function upgradeAnd(line: string, headers: Record<string, string | undefined> = {}): string {
  return upgrade(headers).replace(/\r\n$/, `${line}\r\n\r\n`);
}

function headerLines(count: number): string {
  return Array.from({ length: count }, (_, i) => `X-${i}: v\r\n`).join("");
}

/** Sends a request and what tells how the connection goes on; all status codes that came. */
async function statusesOf(url: string, request: string, after: After): Promise<number[]> {
  using socket = await ByteSocket.connect(url);
  // A flood is refused before it is all read, so both go on at once.
  const sent = socket.write(request);
  let text = "";
  if (after === "upgraded") {
    await sent;
    text = await socket.head();
    await socket.write(frameBytes('[2,"1","Echo",{"up":1}]'));
    strictEqual(await socket.text(), '[3,"1",{"up":1}]');
  } else {
    if (after === "serves") await sent.then(() => socket.write(LAST));
    if (after === "waits") await sent.then(() => socket.endWriting());
    text = await socket.rest();
    await sent;
  }
  const statuses = [...text.matchAll(/HTTP\/1\.[01] (\d{3}) /g)].map(([, status]) =>
    Number(status)
  );
  if (after === "serves") strictEqual(statuses.pop(), 200, `the next request, after ${text}`);
  return statuses;
}

/** Runs the rows; after each one the victim must have got nothing, and be served. */
async function runRows(t: Deno.TestContext, rows: readonly Row[]): Promise<void> {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  backend.answer = ({ body }) => json(body);
  const victim = await connected(gateway, "victim");
  for (const [name, request, statuses, after] of rows) {
    await t.step(name, async () => {
      const came = await statusesOf(gateway.url, request, after);
      if (after !== "flooded" || came.length > 0) deepStrictEqual(came, statuses);
      strictEqual(await victim.ask('[2,"v","Echo",{"v":1}]'), '[3,"v",{"v":1}]');
      const fresh = await connected(gateway, "fresh");
      strictEqual(await fresh.ask('[2,"f","Echo",{"f":1}]'), '[3,"f",{"f":1}]');
      await fresh.close();
    });
  }
  deepStrictEqual(victim.left, []);
  deepStrictEqual(backend.paths().filter((path) => !path.startsWith("/call/Echo/")), []);
}

test("an upgrade needs its headers to be right", async (t) => {
  const key = "Sec-WebSocket-Key";
  const version = "Sec-WebSocket-Version";
  await runRows(t, [
    ["right", upgrade(), [101], "upgraded"],
    ["without a key", upgrade({ [key]: undefined }), [400], "ends"],
    ["an empty key", upgrade({ [key]: "" }), [400], "ends"],
    ["a key of 2 bytes", upgrade({ [key]: "YWI=" }), [400], "ends"],
    ["a key of 17 bytes", upgrade({ [key]: "dGhlIHNhbXBsZSBub25jZTE=" }), [400], "ends"],
    ["a key that is no base64", upgrade({ [key]: "!".repeat(22) + "==" }), [400], "ends"],
    ["two keys", upgradeAnd(`${key}: dGhlIHNhbXBsZSBub25jZQ==`), [400], "ends"],
    ["without a version", upgrade({ [version]: undefined }), [426], "ends"],
    ...["", "0", "8", "12", "14", "013", "13.0", "x", "13, 8"].map((value): Row => [
      `version ${value}`,
      upgrade({ [version]: value }),
      [426],
      "ends",
    ]),
    ["two versions", upgradeAnd(`${version}: 13`), [426], "ends"],
    ["without Connection", upgrade({ Connection: undefined }), [400], "ends"],
    ["Connection: close", upgrade({ Connection: "close" }), [400], "ends"],
    ["Connection: xupgrade", upgrade({ Connection: "xupgrade" }), [400], "ends"],
    [
      "Connection: keep-alive, UPGRADE",
      upgrade({ Connection: "keep-alive, UPGRADE" }),
      [101],
      "upgraded",
    ],
    ["without Upgrade", upgrade({ Upgrade: undefined }), [426], "serves"],
    ["Upgrade: h2c", upgrade({ Upgrade: "h2c" }), [426], "ends"],
    ["Upgrade: websocket/13", upgrade({ Upgrade: "websocket/13" }), [426], "ends"],
    ["Upgrade: h2c, WebSocket", upgrade({ Upgrade: "h2c, WebSocket" }), [101], "upgraded"],
    ["a POST", upgrade({ "Content-Length": "0" }).replace("GET", "POST"), [404], "ends"],
    ["a Content-Length", upgrade({ "Content-Length": `${SIZE}` }) + INNER, [400], "ends"],
    ["chunks", upgrade({ "Transfer-Encoding": "chunked" }) + `0\r\n\r\n${INNER}`, [400], "ends"],
    ["two hosts", upgradeAnd("Host: other"), [400], "ends"],
    ["without a Host", upgrade({ Host: undefined }), [400], "ends"],
    ["Content-Length: 0", upgrade({ "Content-Length": "0" }), [101], "upgraded"],
    ["Content-Length: 000", upgrade({ "Content-Length": "000" }), [101], "upgraded"],
    // The runtime's own: an upgrade needs HTTP/1.1.
    ["HTTP/1.0", upgrade().replace("HTTP/1.1", "HTTP/1.0"), [101], "upgraded"],
  ]);
});

test("a request inside a body is never served", async (t) => {
  const chunked = "Transfer-Encoding: chunked";
  const last = `0\r\n\r\n${INNER}`;
  const bad = (name: string, headers: string, body = INNER): Row => [
    name,
    post(headers, body),
    [400],
    "ends",
  ];
  const broken = (name: string, body: string): Row => [name, post(chunked, body), [400], "ends"];
  await runRows(t, [
    bad("CL then TE", `Content-Length: 4\r\n${chunked}`, last),
    bad("a long CL then TE", `Content-Length: ${SIZE + 5}\r\n${chunked}`, last),
    bad("TE then CL", `${chunked}\r\nContent-Length: ${SIZE + 5}`, last),
    bad("two CL, the first 0", `Content-Length: 0\r\nContent-Length: ${SIZE}`),
    bad("two CL, the last 0", `Content-Length: ${SIZE}\r\nContent-Length: 0`),
    bad("a list of CL", `Content-Length: 0, ${SIZE}`),
    ...[`+${SIZE}`, "-1", "0x10", "1 0", "", "1e1", "99999999999999999999", "٣"].map((value) =>
      bad(`CL ${value}`, `Content-Length: ${value}`)
    ),
    ...["xchunked", "identity", "chunked, identity", "chunked\r\nTransfer-Encoding: identity"].map(
      (value) => bad(`TE ${value}`, `Transfer-Encoding: ${value}`, last),
    ),
    bad("TE behind a vertical tab", "Transfer-Encoding: \x0bchunked", last),
    bad(
      "space before TE's colon",
      `Transfer-Encoding : chunked\r\nContent-Length: ${SIZE + 5}`,
      last,
    ),
    bad("space before CL's colon", `Content-Length : ${SIZE}`),
    bad("a folded TE", `Transfer-Encoding:\r\n chunked\r\nContent-Length: ${SIZE + 5}`, last),
    bad("a folded header", `X: a\r\n b\r\nContent-Length: ${SIZE}`),
    bad("a bare CR", `X: a\rContent-Length: ${SIZE}`),
    bad("NUL in a header", `X: a\0b\r\nContent-Length: ${SIZE}`),
    broken("a chunk size that is no number", `zz\r\n${INNER}`),
    broken("a chunk size that overflows", `fffffffffffffffff\r\n${INNER}`),
    broken("a chunk size with a bare LF", `2\n{}\r\n${last}`),
    broken("a chunk longer than it says", `2\r\n{}XX${last}`),
    [
      "a huge chunk extension",
      post(chunked, `2;${"a".repeat(100_000)}\r\n{}\r\n0\r\n\r\n`),
      [404],
      "serves",
    ],
    // Framed rightly: what stands in the body is the body.
    [
      "two equal CL",
      post(`Content-Length: ${SIZE}\r\nContent-Length: ${SIZE}`, INNER),
      [400],
      "ends",
    ],
    ["a CL with zeros before", post(`Content-Length: 00${SIZE}`, INNER), [400], "serves"],
    ["a chunk", post(chunked, `${SIZE.toString(16)}\r\n${INNER}\r\n0\r\n\r\n`), [400], "serves"],
    ["a chunk with an extension", post(chunked, "2;a=b\r\n{}\r\n0\r\n\r\n"), [404], "serves"],
    ["a trailer", post(chunked, "2\r\n{}\r\n0\r\nX-Trailer: 5\r\n\r\n"), [404], "serves"],
    [
      "a length as a trailer",
      post(chunked, "2\r\n{}\r\n0\r\nContent-Length: 5\r\n\r\n"),
      [400],
      "ends",
    ],
    ["5,000 trailers", post(chunked, `2\r\n{}\r\n0\r\n${headerLines(5000)}\r\n`), [431], "flooded"],
    [
      "a GET's body",
      get("/healthz", `${HOST}Content-Length: ${SIZE}\r\n`) + INNER,
      [200],
      "serves",
    ],
    [
      "a body to no path",
      post(`Content-Length: ${SIZE}`, INNER).replace("/call", "/no"),
      [404],
      "serves",
    ],
    [
      "a wrong method's body",
      post(`Content-Length: ${SIZE}`, INNER).replace("POST", "PUT"),
      [405],
      "serves",
    ],
    ["a body that is announced too large", post("Content-Length: 1048577", INNER), [413], "waits"],
    ["a refused upgrade's next request", upgrade({ Upgrade: "h2c" }) + HEALTH, [426], "ends"],
    ["bare LF", get("/healthz").replaceAll("\r\n", "\n"), [400], "ends"],
    [
      "bare LF inside",
      get("/healthz", `${HOST}X: a\nContent-Length: ${SIZE}\r\n`) + INNER,
      [400],
      "ends",
    ],
  ]);
});

test("floods of headers are refused", async (t) => {
  await runRows(t, [
    ["100 headers", get("/healthz", HOST + headerLines(100)), [200], "serves"],
    ["5,000 headers", get("/healthz", HOST + headerLines(5000)), [431], "flooded"],
    ["5,000 headers on an upgrade", upgradeAnd(headerLines(5000).trim()), [431], "flooded"],
    ["a header of 15,000", get("/healthz", `${HOST}X: ${"x".repeat(15_000)}\r\n`), [200], "serves"],
    [
      "a header of 60,000",
      get("/healthz", `${HOST}X: ${"x".repeat(60_000)}\r\n`),
      [431],
      "flooded",
    ],
    [
      "a header of 1 MB",
      get("/healthz", `${HOST}X: ${"x".repeat(1_000_000)}\r\n`),
      [431],
      "flooded",
    ],
    [
      "a name of 100,000",
      get("/healthz", `${HOST}${"x".repeat(100_000)}: 1\r\n`),
      [431],
      "flooded",
    ],
  ]);
});

test("targets and hosts that are none are refused, or mean their path", async (t) => {
  const hosts = ["a/b", "/clients", "a#b", "a?b", "user@gateway", "a\\b", "a b", "a\tb"];
  const long = "a".repeat(15_000);
  await runRows(t, [
    ...hosts.map((host): Row => [
      `Host ${JSON.stringify(host)}`,
      get("/healthz", `Host: ${host}\r\n`),
      [400],
      "serves",
    ]),
    ["an upgrade with a slash in Host", upgrade({ Host: "a/b" }), [400], "ends"],
    ["Host [::1]:80", get("/healthz", "Host: [::1]:80\r\n"), [200], "serves"],
    ["a port that is none", get("/clients", "Host: x:99999\r\n"), [400], "serves"],
    ["half an address", get("/clients", "Host: [::1\r\n"), [400], "serves"],
    ["two hosts", get("/healthz", `${HOST}Host: other\r\n`), [400], "serves"],
    ["absolute form", get("http://gateway/healthz"), [200], "serves"],
    ["absolute form, another host", get("http://user@other/healthz"), [200], "serves"],
    ["absolute form, another scheme", get("ftp://other/healthz"), [400], "serves"],
    ["absolute form without a path", get("http://gateway"), [200], "serves"],
    [
      "absolute form with a Host that shifts",
      get("http://a/healthz", "Host: a/b\r\n"),
      [400],
      "serves",
    ],
    ["authority form", get("gateway:80"), [400], "ends"],
    ["CONNECT", "CONNECT gateway:80 HTTP/1.1\r\n" + HOST + "\r\n", [], "ends"],
    ["CONNECT to a path", "CONNECT /healthz HTTP/1.1\r\n" + HOST + "\r\n", [], "ends"],
    ["OPTIONS *", "OPTIONS * HTTP/1.1\r\n" + HOST + "\r\n", [400], "serves"],
    ["GET *", get("*"), [400], "serves"],
    ["no slash", get("healthz"), [400], "ends"],
    ["only a query", get("?healthz"), [400], "ends"],
    ["two slashes", get("//healthz"), [404], "serves"],
    ["two slashes and a host", get("//gateway/healthz"), [404], "serves"],
    ["15,000 slashes", get("/".repeat(15_000)), [404], "serves"],
    ["a path of 15,000", get(`/${long}`), [426], "serves"],
    ["an upgrade to a path of 15,000", upgrade({}, `/${long}`), [400], "ends"],
    ["a path of 70,000", get(`/${"a".repeat(70_000)}`), [431], "flooded"],
    ["a path of 1 MB", get(`/${"a".repeat(1_000_000)}`), [431], "flooded"],
    ...["a\0b", "a\x7fb", "a b", "a\tb", "\xff"].map((name): Row => [
      `raw ${JSON.stringify(name)}`,
      upgrade({}, `/${name}`),
      [400],
      "ends",
    ]),
    ...["%00", "%7f", "%ff", "%c0%af", "%ed%a0%80", "%zz", "%", "%2", "%2f", ".", "..", "%2e%2e"]
      .map((name): Row => [`escape ${name}`, upgrade({}, `/${name}`), [400], "ends"]),
    ["an API path with %ff", post("").replace("nobody", "%ff"), [400], "serves"],
    ["an API path with %00", post("").replace("nobody", "%00"), [400], "serves"],
    ["raw UTF-8", upgrade({}, "/\xc3\xa9"), [400], "ends"],
  ]);
});

test("versions and methods that are not served are refused", async (t) => {
  await runRows(t, [
    ["HTTP/1.0", get("/healthz", "", "HTTP/1.0"), [200], "ends"],
    ["HTTP/0.9", "GET /healthz\r\n\r\n", [400], "ends"],
    ["HTTP/1.2", get("/healthz", HOST, "HTTP/1.2"), [400], "ends"],
    ["HTTP/2.0 in the line", get("/healthz", HOST, "HTTP/2.0"), [400], "ends"],
    ["a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", [400], "ends"],
    ["NUL bytes", "\0\0\0\0\r\n\r\n", [400], "ends"],
    ["empty lines first", `\r\n\r\n${HEALTH}`, [200], "serves"],
    ["an unknown method", HEALTH.replace("GET", "BREW"), [400], "ends"],
    ["a method in small letters", HEALTH.replace("GET", "get"), [400], "ends"],
    ["a method of 10,000", HEALTH.replace("GET", "A".repeat(10_000)), [400], "ends"],
    ["TRACE", HEALTH.replace("GET", "TRACE"), [405], "serves"],
    ["a method that is no token", HEALTH.replace("GET", "G(T"), [400], "ends"],
    ["a hundred requests at once", HEALTH.repeat(100), Array(100).fill(200), "serves"],
    ["a POST and a GET at once", post("Content-Length: 2", "{}") + HEALTH, [404, 200], "serves"],
    ["a request and half a next", HEALTH + "GET /hea", [200], "waits"],
  ]);
});

test("neither a query nor a fragment is ever taken for the path", async (t) => {
  await runRows(t, [
    ["a query alone", get("http://gateway?/no/such/path"), [200], "serves"],
    ["an upgrade with a query alone", upgrade({}, "http://gateway?/raw"), [400], "ends"],
    ["a fragment", get("/healthz#x"), [400], "serves"],
    ["an upgrade with a fragment", upgrade({}, "/raw#x"), [400], "ends"],
  ]);
});
