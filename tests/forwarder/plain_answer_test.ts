import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { AnswerReader } from "../../lib/forwarder/answer.ts";
import type { BackendReply } from "../../lib/forwarder/forwarder.ts";
import { PlainReader } from "../../lib/forwarder/plain_answer.ts";
import { answer, chunked, taken } from "./implementations.ts";

const BODY = '{"currentTime":"2026-11-24T08:02:37Z"}';
const DATE = "Date: Tue, 24 Nov 2026 08:02:37 GMT";
const MAX_BYTES = 100;

/** A whole answer of these lines and this body. */
function wire(lines: readonly string[], body = BODY): string {
  return ["HTTP/1.1 200 OK", ...lines, `Content-Length: ${body.length}`, "", body].join("\r\n");
}

interface Plain {
  readonly reply: BackendReply;
  readonly isReusable?: boolean;
  readonly idleMs?: number;
}

/** What servers send, and what comes of it. */
const COMMON: readonly (readonly [name: string, text: string, Plain?])[] = [
  ["Deno.serve", wire(["content-type: application/json", "vary: Accept-Encoding", DATE])],
  [
    "Node",
    wire([
      "Content-Type: application/json",
      DATE,
      "Connection: keep-alive",
      "Keep-Alive: timeout=5",
    ]),
    { reply: taken(BODY), idleMs: 5000 },
  ],
  ["RoadRunner", wire(["Content-Type: application/json", DATE])],
  [
    "nginx",
    wire([
      "Server: nginx/1.22.1",
      DATE,
      "Content-Type: application/json",
      "Connection: keep-alive",
    ]),
  ],
  [
    "Apache",
    wire(["Server: Apache", "Keep-Alive: timeout=15, max=100", "Connection: Keep-Alive"]),
    { reply: taken(BODY), idleMs: 15_000 },
  ],
  [
    "a framework that lets nobody keep it",
    wire(["Cache-Control: no-cache, private", "X-Powered-By: PHP/8.2.29"]),
    { reply: { ok: true, status: 200, body: BODY, cacheControl: "no-cache, private" } },
  ],
  ["the last one", wire(["Connection: close"]), { reply: taken(BODY), isReusable: false }],
  ["no body", wire([], ""), { reply: taken("") }],
  ["204", "HTTP/1.1 204 No Content\r\n\r\n", { reply: taken("", 204) }],
  ["no reason phrase", answer(BODY).replace(" OK", " ")],
  ["not even a blank for it", answer(BODY).replace(" OK", "")],
  ["a failure", answer(BODY).replace("200 OK", "503 No"), { reply: taken(BODY, 503) }],
  [
    "404",
    answer("", "Cache-Control: no-store").replace("200 OK", "404 Not Found"),
    { reply: { ok: true, status: 404, body: "", challenge: null } },
  ],
  ["the longest body", answer("x".repeat(100)), { reply: taken("x".repeat(100)) }],
  ["zeros before the length", answer(BODY).replace(": 38", ": 00038")],
  ["no blank behind the colon", answer(BODY).replace(": 38", ":38")],
  ["text beyond ASCII", answer('"\xc3\xa9\xf0\x9f\x94\x8c"'), { reply: taken('"é🔌"') }],
  ["a byte order mark", answer("\xef\xbb\xbf{}"), { reply: taken("{}") }],
  ["bytes beyond ASCII in a header", wire(["X-Name: \xe9\xff", "X-\xe9: 1"])],
];

/** What is left to the parser: it may be right, wrong, or not whole yet. */
const OTHER: readonly (readonly [name: string, text: string])[] = [
  ["nothing", ""],
  ["a part of the head", "HTTP/1.1 200 OK\r\nContent-Le"],
  ["the whole head but for its end", "HTTP/1.1 200 OK\r\nContent-Length: 38\r\n\r"],
  ["a part of the body", answer(BODY).slice(0, -1)],
  ["more than the body", `${answer(BODY)}\n`],
  ["another answer behind it", answer(BODY) + answer(BODY)],
  ["a line end before it", `\r\n${answer(BODY)}`],
  ["HTTP/1.0", answer(BODY).replace("1.1", "1.0")],
  ["HTTP/1.2", answer(BODY).replace("1.1", "1.2")],
  ["small letters", answer(BODY).replace("HTTP", "http")],
  ["a provisional answer", `HTTP/1.1 100 Continue\r\n\r\n${answer(BODY)}`],
  ["a switch of protocols", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"],
  ["a status of two digits", answer(BODY).replace("200", "20")],
  ["a status of four digits", answer(BODY).replace("200", "2000")],
  ["a status that nobody knows", answer(BODY).replace("200", "600")],
  ["204 with a length", answer("").replace("200", "204")],
  ["204 with a body", answer(BODY).replace("200", "204")],
  ["304", "HTTP/1.1 304 Not Modified\r\n\r\n"],
  ["304 with a length", answer("").replace("200", "304")],
  ["chunks", chunked(BODY)],
  ["chunks and a length", chunked(BODY).replace("\r\n", "\r\nContent-Length: 38\r\n")],
  ["no length", `HTTP/1.1 200 OK\r\n\r\n${BODY}`],
  ["two lengths", wire(["Content-Length: 39"])],
  ["the same length twice", wire(["Content-Length: 38"])],
  ["a length with a sign", answer(BODY).replace(": 38", ": +38")],
  ["a length of ten digits", answer(BODY).replace(": 38", ": 0000000038")],
  ["a length and a blank", answer(BODY).replace(": 38", ": 38 ")],
  ["an empty length", answer(BODY).replace(": 38", ": ")],
  ["a length in a folded line", answer(BODY).replace(": 38", ":\r\n 38")],
  ["a length over the bound", answer("x".repeat(101))],
  ["a header that is folded", wire(["X-A: 1", " 2"])],
  ["a header that is folded at once", wire([" X-A: 1"])],
  ["a header without a colon", wire(["X-A"])],
  ["a header without a name", wire([": 1"])],
  ["a name with a blank", wire(["X-A : 1"])],
  ["a name with a control character", wire(["X-A\x01: 1"])],
  ["a control character", wire(["X-A: \x00"])],
  ["a tab", wire(["X-A:\t1"])],
  ["a line feed alone", answer(BODY).replace("OK\r\n", "OK\n")],
  ["a return alone", wire(["X-A: 1\rX-B: 2"])],
  ["a return before the body", answer(BODY).replace("\r\n\r\n", "\r\n\r\r")],
  ["a control character in the reason", answer(BODY).replace("OK", "O\x07K")],
  ["a connection for something else", wire(["Connection: upgrade"])],
  ["several words on the connection", wire(["Connection: keep-alive, close"])],
  ["a connection that says nothing", wire(["Connection:"])],
  ["a time to live with something before it", wire(["Keep-Alive: max=5, timeout=5"])],
  ["a time to live of seven digits", wire(["Keep-Alive: timeout=1234567"])],
  ["a time to live without digits", wire(["Keep-Alive: timeout="])],
  ["two lines about keeping it", wire(["Cache-Control: a", "Cache-Control: b"])],
  ["an empty line about keeping it", wire(["Cache-Control: "])],
  ["401 with a challenge", wire(["WWW-Authenticate: Basic"]).replace("200", "401")],
  ["a body that is no UTF-8", answer('"\xff"')],
];

const ALL = [...COMMON, ...OTHER].map(([, text]) => text);
const GOOD: Plain = { reply: taken(BODY) };

Deno.test("an answer that is common is read out of its bytes", async (t) => {
  for (
    const [row, text, { reply, isReusable = true, idleMs = Infinity } = GOOD] of COMMON
  ) {
    await t.step(row, () => {
      const reader = new PlainReader(MAX_BYTES);
      const bytes = Buffer.from(`${text}of a longer answer before`, "latin1");
      deepStrictEqual(reader.read(bytes, text.length), reply);
      deepStrictEqual([reader.isReusable, reader.idleMs], [isReusable, idleMs]);
    });
  }
});

Deno.test("an answer that is in any way uncommon is left to the parser", async (t) => {
  for (const [row, text] of OTHER) {
    await t.step(row, () => {
      const bytes = Buffer.from(text, "latin1");
      strictEqual(new PlainReader(MAX_BYTES).read(bytes, bytes.length), undefined);
    });
  }
});

Deno.test("nothing of one answer is left for the next, whether the reader took it or not", () => {
  for (const before of ALL) {
    for (const [row, text, { reply, isReusable = true, idleMs = Infinity } = GOOD] of COMMON) {
      const reader = new PlainReader(MAX_BYTES);
      reader.read(Buffer.from(before, "latin1"), before.length);
      deepStrictEqual(reader.read(Buffer.from(text, "latin1"), text.length), reply, row);
      deepStrictEqual([reader.isReusable, reader.idleMs], [isReusable, idleMs], row);
    }
  }
});

/** Counts what it takes. */
class CountingReader extends PlainReader {
  taken = 0;

  override read(bytes: Buffer, length: number): BackendReply | undefined {
    const reply = super.read(bytes, length);
    if (reply !== undefined) this.taken++;
    return reply;
  }
}

/** A reader that asks the plain one first, and one that does not, fed alike. */
class Pair {
  readonly #plain = new CountingReader(MAX_BYTES);
  readonly #both = new AnswerReader(MAX_BYTES, this.#plain);
  readonly #parser = new AnswerReader(MAX_BYTES, null);

  /** How many answers the plain reader took. */
  get taken(): number {
    return this.#plain.taken;
  }

  /**
   * Reads an answer in pieces, as a connection would.
   *
   * @returns Whether the connection could carry another one.
   */
  read(pieces: readonly string[]): boolean {
    this.#both.expect();
    this.#parser.expect();
    for (const piece of pieces) {
      const reply = this.#push(piece);
      if (reply !== undefined) {
        if (reply.ok && this.#both.isReusable) return true;
        break;
      }
    }
    deepStrictEqual(this.#both.end(), this.#parser.end(), "at the end");
    return false;
  }

  #push(piece: string): BackendReply | undefined {
    const bytes = Buffer.from(piece, "latin1");
    const reply = this.#both.push(bytes, bytes.length);
    deepStrictEqual(reply, this.#parser.push(bytes, bytes.length), JSON.stringify(piece));
    // Of the next piece, which the runtime writes into the same buffer.
    bytes.fill(0x58);
    const { isReusable, idleMs } = this.#both;
    deepStrictEqual(
      [isReusable, idleMs],
      [this.#parser.isReusable, this.#parser.idleMs],
      JSON.stringify(piece),
    );
    return reply;
  }
}

/** Pieces of a text, cut at these places. */
function cut(text: string, places: readonly number[]): string[] {
  const sorted = places.map((place) => place % (text.length + 1)).sort((a, b) => a - b);
  return [0, ...sorted].map((from, i) => text.slice(from, sorted[i] ?? text.length))
    .filter((piece) => piece !== "");
}

Deno.test("the plain reader and the parser come to the same, in one piece and in any two", () => {
  let taken = 0;
  for (const text of ALL) {
    for (let at = 0; at < Math.max(1, text.length); at++) {
      const pair = new Pair();
      // Whatever was read before.
      strictEqual(pair.read([COMMON[1]![1]]), true);
      pair.read(cut(text, [at]));
      if (at === 0) taken += pair.taken - 1;
    }
  }
  strictEqual(taken, COMMON.length);
});

Deno.test("the plain reader and the parser come to the same when any one byte is another", () => {
  let taken = 0;
  let count = 0;
  const [, node] = COMMON[1]!;
  const [, php] = COMMON[5]!;
  for (const text of [node, php, COMMON[8]![1], COMMON[12]![1]]) {
    let pair = new Pair();
    for (let at = 0; at < text.length; at++) {
      for (let code = 0; code < 256; code++) {
        const changed = text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1);
        count++;
        if (pair.read([changed])) continue;
        taken += pair.taken;
        pair = new Pair();
      }
    }
    taken += pair.taken;
  }
  ok(taken > count / 4, `only ${taken} of ${count} were read by the plain reader`);
});

Deno.test("the plain reader and the parser come to the same on answers of all kinds", () => {
  const often = <T>(usual: readonly T[], others: readonly T[], times = 15) =>
    fc.oneof({ arbitrary: fc.constantFrom(...usual), weight: times }, {
      arbitrary: fc.constantFrom(...others),
      weight: 1,
    });
  const status = often(
    ["200 OK", "200 OK", "200 OK", "201 Created", "404 Not Found", "500 ", "503", "299 y"]
      .map((rest) => `HTTP/1.1 ${rest}`),
    [
      ...["204 No Content", "304 Not Modified", "401 No", "100 Continue", "103 Hints", "101 x"]
        .map((rest) => `HTTP/1.1 ${rest}`),
      ...["HTTP/1.0 200 OK", "HTTP/1.2 200 OK", "HTTP/2 200", "http/1.1 200 OK", "", "ICY 200 OK"],
    ],
    5,
  );
  const header = often(
    [
      ...[
        DATE,
        "Server: nginx/1.22.1",
        "Content-Type: application/json",
        "Vary: a",
        "X:",
        "\xe9: \xff",
      ],
      ...["Connection: keep-alive", "connection: keep-alive", "Connection: Keep-Alive"],
      ...["Keep-Alive: timeout=5", "Keep-Alive: timeout=15, max=9", "keep-alive: timeout=0005;x"],
      ...["Cache-Control: no-store", "Upgrade: h2,h2c", "Connectio: close", "XConnection: close"],
      ...["Transfer-Encodin: chunked", "Content-Lengthy: 2", "WWW-Authenticate: Basic"],
    ],
    [
      ...[
        "Connection: close",
        "CONNECTION: x",
        "Connection: x, Close",
        "Connection:",
        "Upgrade: x",
      ],
      ...["Keep-Alive: max=1,TIMEOUT=3", "Keep-Alive:  timeout=1234567", "Keep-Alive: xtimeout=5"],
      ...["cache-control: max-age=60 ", "Cache-Control:", "WWW-Authenticate: a\x01", "X: \t y "],
      ...[" folded", "\tfolded", " ", "X", ": x", "X : y", "X: \x00", "X: \r", "X\x7f: 1"],
      ...["Transfer-Encoding: chunked", "transfer-encoding: gzip", "Content-Length: 2"],
    ],
  );
  const value = often(["%", "0%"], [" % ", "\t%", "%,%", "+%", "x%", "", "\r\n %"]);
  const eol = often(["\r\n"], ["\n", "\r", "\r\r\n"], 30);
  const body = fc.oneof(
    fc.constantFrom(
      "",
      "{}",
      BODY,
      "x".repeat(100),
      "x".repeat(101),
      '"\xc3\xa9"',
      "\xff",
      "2\r\n{}\r\n0\r\n\r\n",
    ),
    fc.string({ maxLength: 120 }),
  );
  const one = fc.record({
    status,
    headers: fc.array(header, { maxLength: 6 }),
    length: fc.option(value, { freq: 20 }),
    eol,
    body,
    skew: often([0], [1, -1]),
    behind: often([""], ["\n", "\r\n", "x", answer("{}")]),
    cuts: fc.oneof(fc.constant([]), fc.array(fc.nat(400), { maxLength: 3 })),
  });
  let taken = 0;
  let count = 0;
  fc.assert(
    fc.property(fc.array(one, { minLength: 1, maxLength: 6 }), (answers) => {
      const pair = new Pair();
      for (const { status, headers, length, eol, body, skew, behind, cuts } of answers) {
        const bytes = Buffer.byteLength(body, "latin1") + skew;
        const lines = length === null
          ? headers
          : [...headers, `Content-Length: ${length.replaceAll("%", String(bytes))}`];
        const text = [status, ...lines, "", body].join("\r\n").replace("\r\n", eol) + behind;
        count++;
        if (!pair.read(cut(text, cuts))) break;
      }
      taken += pair.taken;
    }),
    { numRuns: 10_000 },
  );
  ok(taken > count / 10, `only ${taken} of ${count} were read by the plain reader`);
});
