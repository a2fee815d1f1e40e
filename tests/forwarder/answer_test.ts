import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { BackendReply } from "../../lib/forwarder/forwarder.ts";
import { RawBackend, write } from "../support/backend.ts";
import {
  answer,
  chunked,
  type ForwarderName,
  FORWARDERS,
  taken,
  TestForwarder,
} from "./implementations.ts";

const BODY = '{"a":1}';

/** All that cannot stand in a header, but for a line feed, which ends it, and for a tab, which can. */
const CONTROLS = [...Array(32).keys(), 127].filter((code) => code !== 9 && code !== 10);
const GOOD = taken(BODY);

const LENGTH = "Content-Length: 7";
const CODING = "Transfer-Encoding: chunked";

/** A head that tells of a body where there cannot be one. */
function announced(status: number, header: string): string {
  return `HTTP/1.1 ${status} Any\r\n${header}\r\n\r\n`;
}

function old(answer: string): string {
  return answer.replace("HTTP/1.1", "HTTP/1.0");
}

/** What two requests in turn come to, and on how many connections, when each is answered so. */
async function forwardTwice(
  name: ForwarderName,
  bytes: string,
  { isCut = false, maxBytes = 100 } = {},
): Promise<{ replies: BackendReply[]; connections: number }> {
  await using backend = new RawBackend(async (conn) => {
    await write(conn, bytes);
    if (isCut) conn.close();
  });
  using forwarder = new TestForwarder(name, backend.url, { maxBytes });
  const replies = [await forwarder.forward(), await forwarder.forward()];
  // One that is cut may be seen to be so after its answer.
  strictEqual(backend.requests.length, 2, "each request comes once");
  return { replies, connections: backend.connections };
}

for (const [name] of FORWARDERS) {
  Deno.test(`${name}: an answer is taken, and its connection kept if it can be`, async (t) => {
    const kept: [name: string, bytes: string, reply?: BackendReply][] = [
      ["a length", answer(BODY)],
      ["a length of nothing", answer(""), taken("")],
      ["names in other letters", `HTTP/1.1 200 OK\r\ncONTENT-lENGTH: 7\r\n\r\n${BODY}`],
      ["no blank behind the colon", `HTTP/1.1 200 OK\r\nContent-Length:7\r\n\r\n${BODY}`],
      ["blanks around a value", `HTTP/1.1 200 OK\r\nContent-Length: \t 7 \t\r\n\r\n${BODY}`],
      ["the same length twice", answer(BODY, "Content-Length: 7")],
      ["no reason phrase", `HTTP/1.1 200 \r\nContent-Length: 7\r\n\r\n${BODY}`],
      ["bytes beyond ASCII in a header", answer(BODY, "X-Name: \xe9\xff")],
      ["one chunk", chunked(BODY)],
      ["many chunks", chunked(...BODY)],
      ["no chunk", chunked(), taken("")],
      [
        "extensions and trailers",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n" +
        '3;a=b;c="d;e"\r\n{"a\r\n004 ; x\r\n":1}\r\n0;last\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n',
      ],
      [
        "sizes in letters of both kinds",
        chunked("x".repeat(10), "y".repeat(11)).replace("\r\na\r\n", "\r\nA\r\n"),
        taken("x".repeat(10) + "y".repeat(11)),
      ],
      ["the coding's name in capitals", chunked(BODY).replace("chunked", "Chunked")],
      ["100 first", `HTTP/1.1 100 Continue\r\n\r\n${answer(BODY)}`],
      ["103 with headers first", `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${answer(BODY)}`],
      [
        "several provisional answers first",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" +
        `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${chunked(BODY)}`,
      ],
      ["204", "HTTP/1.1 204 No Content\r\n\r\n", taken("", 204)],
      ["304", "HTTP/1.1 304 Not Modified\r\n\r\n", taken("", 304)],
      ["204 that tells of nothing", "HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n", taken("", 204)],
      [
        "a redirect, which is not followed",
        "HTTP/1.1 307 T\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
        taken("", 307),
      ],
      ["a failure with a body", answer(BODY).replace("200 OK", "503 No"), taken(BODY, 503)],
      [
        "401 with its challenge",
        answer("", 'WWW-Authenticate: Basic realm="a"').replace("200 OK", "401 U"),
        { ok: true, status: 401, body: "", challenge: 'Basic realm="a"' },
      ],
      [
        "403 without one",
        answer(BODY).replace("200 OK", "403 F"),
        { ok: true, status: 403, body: BODY, challenge: null },
      ],
      ["exactly the bound", answer("x".repeat(100)), taken("x".repeat(100))],
      ["chunks of exactly the bound", chunked(..."x".repeat(100)), taken("x".repeat(100))],
      ["text beyond ASCII", answer('"\xc3\xa9\xf0\x9f\x94\x8c"'), taken('"é🔌"')],
      [
        "a character in two chunks",
        chunked('"\xf0\x9f', '\x94\x8c"'),
        taken('"🔌"'),
      ],
      [
        "HTTP/1.0 that keeps alive",
        answer(BODY, "Connection: keep-alive").replace("HTTP/1.1", "HTTP/1.0"),
      ],
    ];
    // `fetch` takes none of these.
    const folded: typeof kept = [
      ["a folded header", answer(BODY, "X-A: 1", " 2", "\t3", "X-B: 4")],
      ["a fold of blanks only", answer(BODY, "X-A: 1", " \t ", "X-B: 4")],
      ["a folded header behind the length", answer(BODY, " ").replace(" \r\n", "X: 1\r\n 8\r\n")],
      [
        "a folded challenge",
        answer("", "WWW-Authenticate: Basic", '\t realm="a b" ', "X: 1", " x").replace(
          "200",
          "401",
        ),
        { ok: true, status: 401, body: "", challenge: 'Basic realm="a b"' },
      ],
      [
        "a folded trailer",
        chunked(BODY).slice(0, -2) + "X-Sum: 1\r\n Content-Length: 8\r\n\r\n",
      ],
    ];
    if (name === "tcp") kept.push(...folded);
    for (const [row, bytes, reply = GOOD] of kept) {
      await t.step(row, async () => {
        const { replies, connections } = await forwardTwice(name, bytes);
        deepStrictEqual(replies, [reply, reply]);
        // `fetch` may give its reply before the connection is back in its pool.
        if (name === "tcp") strictEqual(connections, 1);
      });
    }
    const notKept: [name: string, bytes: string, isCut?: boolean, reply?: BackendReply][] = [
      ["Connection: close", answer(BODY, "Connection: close")],
      ["Connection: close among others", answer(BODY, "Connection: x, Close")],
      ["Connection: close with chunks", chunked(BODY).replace("\r\n", "\r\nConnection: close\r\n")],
      ["HTTP/1.0", answer(BODY).replace("HTTP/1.1", "HTTP/1.0")],
      ["HTTP/1.0 until the end", `HTTP/1.0 200 OK\r\n\r\n${BODY}`, true],
      ["HTTP/1.1 until the end", `HTTP/1.1 200 OK\r\n\r\n${BODY}`, true],
    ];
    /** Where `fetch` may keep it, or takes none. */
    const strict: typeof notKept = [
      ["HTTP/1.0 that keeps alive and closes", old(answer(BODY, "Connection: keep-alive, close"))],
      [
        "HTTP/1.0 with chunks",
        old(chunked(BODY)).replace("\r\n", "\r\nConnection: keep-alive\r\n"),
      ],
      ["a folded length", answer(BODY).replace(": 7", ":\r\n 7")],
      ["a folded coding", chunked(BODY).replace(": chunked", ":\r\n\tchunked")],
      ["a folded word on the connection", answer(BODY, "Connection: x,", " close")],
      ["a provisional answer that tells of a body", `${announced(103, LENGTH)}${answer(BODY)}`],
      ["a provisional answer that closes", `${announced(103, "Connection: close")}${answer(BODY)}`],
      ...[204, 304].flatMap((status): typeof notKept => [
        [`${status} that tells of a length`, announced(status, LENGTH), false, taken("", status)],
        [`${status} that tells of chunks`, announced(status, CODING), false, taken("", status)],
      ]),
    ];
    if (name === "tcp") notKept.push(...strict);
    for (const [row, bytes, isCut = false, reply = GOOD] of notKept) {
      await t.step(row, async () => {
        const { replies, connections } = await forwardTwice(name, bytes, { isCut });
        deepStrictEqual(replies, [reply, reply]);
        strictEqual(connections, 2);
      });
    }
  });

  Deno.test(`${name}: an answer that is too long, or no text, is unusable and costs the connection`, async (t) => {
    const x101 = "x".repeat(101);
    const rows: [name: string, bytes: string][] = [
      ["a length of one byte over the bound", answer(x101)],
      ["a length far over the bound", answer("").replace(": 0", ": 999999999999") + x101],
      ["one chunk over the bound", chunked(x101)],
      ["chunks that grow over the bound", chunked(..."x".repeat(101))],
      [
        "a chunk far over the bound, without its end",
        `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n${x101}`,
      ],
      ["growth over the bound until the end", `HTTP/1.1 200 OK\r\n\r\n${x101}`],
      ["a failure that is too long", answer(x101).replace("200 OK", "500 No")],
    ];
    const unusable: BackendReply = { ok: false, fault: "unusable" };
    if (name === "tcp") {
      rows.push(["a length over the bound, before the body", answer("").replace(": 0", ": 101")]);
    }
    for (const [row, bytes] of rows) {
      await t.step(row, async () => {
        const { replies, connections } = await forwardTwice(name, bytes);
        deepStrictEqual(replies, [unusable, unusable]);
        // `fetch` keeps it when it has read the rest meanwhile.
        if (name === "tcp") strictEqual(connections, 2);
      });
    }
    const noText: [name: string, bytes: string][] = [
      ["a byte that is no UTF-8", answer('"\xff"')],
      ["a character cut short", answer('"\xf0\x9f\x94')],
      ["a surrogate", answer('"\xed\xa0\x80"')],
      ["a character cut short in chunks", chunked('"\xf0', "\x9f\x94")],
    ];
    for (const [row, bytes] of noText) {
      await t.step(row, async () => {
        const { replies } = await forwardTwice(name, bytes);
        deepStrictEqual(replies, [unusable, unusable]);
      });
    }
  });

  Deno.test(`${name}: what is no answer is broken, and costs the connection`, async (t) => {
    const lengths = (...values: string[]): string =>
      `HTTP/1.1 200 OK\r\n${
        values.map((value) => `Content-Length: ${value}\r\n`).join("")
      }\r\n${BODY}`;
    const codings = (...values: string[]): string =>
      `HTTP/1.1 200 OK\r\n${
        values.map((value) => `Transfer-Encoding: ${value}\r\n`).join("")
      }\r\n7\r\n${BODY}\r\n0\r\n\r\n`;
    const chunk = (text: string): string =>
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${text}`;
    const rows: [name: string, bytes: string][] = [
      ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n"],
      ["a blank line, then another protocol", "\r\nSSH-2.0-OpenSSH_9.2\r\n\r\n"],
      ["HTTP/2", answer(BODY).replace("HTTP/1.1", "HTTP/2.0")],
      ["HTTP/0.9", answer(BODY).replace("HTTP/1.1", "HTTP/0.9")],
      ["a request", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"],
      ["no status", answer(BODY).replace("200 OK", "")],
      ["a status that is no number", answer(BODY).replace("200", "abc")],
      ["a status of two digits", answer(BODY).replace("200", "20")],
      ["a status of four digits", answer(BODY).replace("200", "2000")],
      ["a status below 100", answer(BODY).replace("200", "099")],
      ["a header without a colon", answer(BODY, "Content-Length 7")],
      ["a header without a name", answer(BODY, ": 7")],
      ["a fold before all headers", announced(200, ` X-A: 1\r\n${LENGTH}`) + BODY],
      ["a length that is no number", lengths("abc")],
      ["a length below zero", lengths("-7")],
      ["a length with a sign", lengths("+7")],
      ["a length in hexadecimal", lengths("0x7")],
      ["a length with a fraction", lengths("7.0")],
      ["a length with an exponent", lengths("7e0")],
      ["an empty length", lengths("")],
      ["a length beyond all numbers", lengths("9".repeat(40))],
      ["a number and no number for a length", lengths("7, x")],
      ["a chunk's size that is no number", chunk("zz\r\n")],
      ["a chunk's size with rubbish behind it", chunk(`7z\r\n${BODY}\r\n0\r\n\r\n`)],
      ["a chunk's size with a sign", chunk(`+7\r\n${BODY}\r\n0\r\n\r\n`)],
      ["a chunk's size below zero", chunk("-1\r\n")],
      ["a chunk's size with a prefix", chunk(`0x7\r\n${BODY}\r\n0\r\n\r\n`)],
      ["an empty chunk's size", chunk(`\r\n${BODY}\r\n0\r\n\r\n`)],
      ["a chunk's size beyond all numbers", chunk(`${"f".repeat(17)}\r\n${BODY}`)],
      ["a chunk that is longer than told", chunk(`3\r\n${BODY}\r\n0\r\n\r\n`)],
      ["a chunk that is shorter than told", chunk(`8\r\n${BODY}\r\n0\r\n\r\n`)],
      ["a header that does not end", `HTTP/1.1 200 OK\r\nX: ${"x".repeat(500_000)}`],
      ["a status line that does not end", `HTTP/1.1 200 ${"x".repeat(500_000)}`],
    ];
    rows.push(...CONTROLS.map((code): typeof rows[number] => [
      `a header with the control character ${code}`,
      answer(BODY, `X-A: b${String.fromCharCode(code)}c`),
    ]));
    // Elsewhere there is a word for it.
    if (name === "fetch") rows.push(["two lengths", lengths("7", "8")]);
    /** Where a reader could take another end for it, and `fetch` does or may. */
    const strict: typeof rows = [
      [
        "a switch of protocols",
        "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
      ],
      ["an unknown coding", codings("gzip")],
      ["a coding below chunked", codings("gzip, chunked")],
      ["a coding above chunked", codings("chunked, gzip")],
      ["chunked twice", codings("chunked, chunked")],
      ["chunked twice in two lines", codings("chunked", "chunked")],
      ["a coding that is nearly chunked", codings("xchunked")],
      [
        "headers of far more than 64 KiB",
        answer(BODY, ...Array(20).fill(`X: ${"x".repeat(4096)}`)),
      ],
      ["one header of far more than 64 KiB", answer(BODY, `X: ${"x".repeat(90_000)}`)],
      ["a chunk whose end is a line feed only", chunk(`7\r\n${BODY}\n0\r\n\r\n`)],
      ["a chunk whose size ends with a line feed only", chunk(`7\n${BODY}\r\n0\r\n\r\n`)],
      ["a fold before all trailers", chunk("0\r\n X: 1\r\n\r\n")],
      ["a folded length that is none then", answer(BODY).replace(": 7", ": 7\r\n 7")],
      ["a control character in a fold", answer(BODY, "X: 1", " \x01")],
      [
        "trailers of far more than 64 KiB",
        chunk(`0\r\n${`X: ${"x".repeat(4096)}\r\n`.repeat(20)}\r\n`),
      ],
    ];
    const broken: BackendReply = { ok: false, fault: "broken" };
    for (const [row, bytes] of name === "tcp" ? [...rows, ...strict] : rows) {
      await t.step(row, async () => {
        const { replies, connections } = await forwardTwice(name, bytes, { maxBytes: 1024 ** 2 });
        deepStrictEqual(replies, [broken, broken]);
        strictEqual(connections, 2);
      });
    }
    const cut: [name: string, bytes: string][] = [
      ["the end at once", ""],
      ["the end in the status line", "HTTP/1.1 20"],
      ["the end in the headers", "HTTP/1.1 200 OK\r\nContent-Le"],
      ["the end behind a provisional answer", "HTTP/1.1 100 Continue\r\n\r\n"],
      ["the end in a body with a length", answer(BODY).slice(0, -1)],
      ["the end in a chunk", chunked(BODY).slice(0, -8)],
      ["the end between chunks", chunk('7\r\n{"a":1}\r\n')],
      ["the end before the trailers", chunked(BODY).slice(0, -2)],
    ];
    for (const [row, bytes] of cut) {
      await t.step(row, async () => {
        const { replies, connections } = await forwardTwice(name, bytes, { isCut: true });
        deepStrictEqual(replies, [broken, broken]);
        strictEqual(connections, 2);
      });
    }
  });
}

for (const [name] of FORWARDERS) {
  Deno.test(`${name}: an answer with two lengths is ambiguous, and costs the connection`, async (t) => {
    const head = (...lines: string[]): string => `HTTP/1.1 200 OK\r\n${lines.join("\r\n")}\r\n\r\n`;
    const chunks = `7\r\n${BODY}\r\n0\r\n\r\n`;
    const rows: [name: string, bytes: string][] = [
      ["a length and chunks", head(LENGTH, CODING) + chunks],
      ["chunks and a length", head(CODING, LENGTH) + chunks],
      ["a length of nothing and chunks", head("Content-Length: 0", CODING) + chunks],
      ["a length over the bound and chunks", head("Content-Length: 999", CODING) + chunks],
    ];
    // `fetch` tells nothing of these but that it takes none.
    const strict: typeof rows = [
      ["two lengths", head(LENGTH, "Content-Length: 8") + BODY],
      ["two lengths in one line", head(`${LENGTH}, 8`) + BODY],
      ["the same length twice in one line", head(`${LENGTH},7`) + BODY],
      ["the same length in other digits", head(LENGTH, "Content-Length: 07") + BODY],
      ["204 with a length and chunks", head(LENGTH, CODING).replace("200", "204") + chunks],
    ];
    const ambiguous: BackendReply = { ok: false, fault: "ambiguous" };
    for (const [row, bytes] of name === "tcp" ? [...rows, ...strict] : rows) {
      await t.step(row, async () => {
        const { replies, connections } = await forwardTwice(name, bytes);
        deepStrictEqual(replies, [ambiguous, ambiguous]);
        // `fetch` keeps it when it has read the rest meanwhile.
        if (name === "tcp") strictEqual(connections, 2);
      });
    }
  });
}

Deno.test("tcp: nothing of an answer is left for the next one on its connection", async () => {
  const answers = [
    answer(BODY, 'WWW-Authenticate: Basic realm="a"').replace("200 OK", "401 U"),
    answer("").replace("200 OK", "403 F"),
    ...Array(100).fill(answer(BODY, `X: ${"x".repeat(1024)}`)),
  ];
  let next = 0;
  await using backend = new RawBackend((conn) => write(conn, answers[next++]!));
  using forwarder = new TestForwarder("tcp", backend.url);
  const challenge = 'Basic realm="a"';
  deepStrictEqual(await forwarder.forward(), { ok: true, status: 401, body: BODY, challenge });
  deepStrictEqual(await forwarder.forward(), { ok: true, status: 403, body: "", challenge: null });
  for (let i = 0; i < 100; i++) deepStrictEqual(await forwarder.forward(), GOOD, String(i));
  strictEqual(backend.connections, 1);
});
