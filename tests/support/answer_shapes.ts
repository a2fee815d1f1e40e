/**
 * Answers of all shapes, honest, strange and hostile, and a backend that gives them.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { BackendReply } from "../../lib/forwarder/forwarder.ts";
import { answer, chunked, taken } from "../forwarder/implementations.ts";
import { write } from "./backend.ts";
import { Inbox } from "./deadline.ts";

/** What one CALL is answered, and what must come of it. */
export interface AnswerShape {
  readonly name: string;
  /** Written one after the other, each in a segment of its own. */
  readonly parts: readonly string[];
  /** What that CALL comes to; `timeout` when it is given up. */
  readonly reply: BackendReply;
  /** Whether the connection carries the next CALL. */
  readonly isKept: boolean;
  /** Written when the answer was taken and the connection is idle. */
  readonly whenIdle?: string;
  /** Written in front of the next answer, if another request comes on the connection. */
  readonly before?: string;
  /** What the backend does behind the last part. */
  readonly then?: "closes" | "resets";
  /** It answers when the request's head is there, and then reads its body or does not. */
  readonly early?: "reads on" | "stops";
}

/** The longest answer that those must take who are tried. */
export const SHAPES_MAX_BYTES = 1024;

const BODY = '{"of":"first"}';
const GOOD = taken(BODY);
const BROKEN: BackendReply = { ok: false, fault: "broken" };
const UNUSABLE: BackendReply = { ok: false, fault: "unusable" };
const AMBIGUOUS: BackendReply = { ok: false, fault: "ambiguous" };
const TIMEOUT: BackendReply = { ok: false, fault: "timeout" };

/** What nobody may get. */
const EVIL_BODY = '{"of":"evil"}';
const EVIL = answer(EVIL_BODY);
const OK = answer(BODY);
const CHUNKED = chunked(BODY);
const LENGTH = `Content-Length: ${BODY.length}`;
const CODING = "Transfer-Encoding: chunked";

function head(status: string, ...lines: string[]): string {
  return ["HTTP/1.1 " + status, ...lines, "", ""].join("\r\n");
}

type Rest = Partial<Omit<AnswerShape, "name" | "parts" | "reply" | "isKept">>;
type Parts = string | readonly string[];

function shape(
  name: string,
  parts: Parts,
  reply: BackendReply,
  isKept: boolean,
  rest: Rest = {},
): AnswerShape {
  return { name, parts: typeof parts === "string" ? [parts] : parts, reply, isKept, ...rest };
}

const kept = (name: string, parts: Parts, reply = GOOD, rest?: Rest): AnswerShape =>
  shape(name, parts, reply, true, rest);
/** Taken, but the connection is done with: evil would come with the next request on it. */
const spent = (name: string, parts: Parts, reply = GOOD, rest?: Rest): AnswerShape =>
  shape(name, parts, reply, false, { before: EVIL, ...rest });
const refused = (name: string, parts: Parts, reply = BROKEN, rest?: Rest): AnswerShape =>
  shape(name, parts, reply, false, { before: EVIL, ...rest });

export const ANSWER_SHAPES: readonly AnswerShape[] = [
  kept("a length", OK),
  kept("a length, byte by byte", [...OK]),
  kept("a body in a segment of its own", [head("200 OK", LENGTH), BODY]),
  kept("chunks", CHUNKED),
  kept("chunks, each in a segment of its own", chunked(...BODY).split(/(?<=\n)/)),
  kept("extensions and trailers", [
    head("200 OK", CODING, "Trailer: X"),
    `e;a="b;c"\r\n${BODY}\r\n0;x\r\nX: 1\r\nContent-Length: 3\r\n\r\n`,
  ]),
  kept("100 first", head("100 Continue") + OK),
  kept("103 first, in a segment of its own", [head("103 Early Hints", "Link: </a>"), OK]),
  kept("fifty provisional answers first", head("102 Processing").repeat(50) + OK),
  kept("204", head("204 No Content"), taken("", 204)),
  kept("204 with a length of nothing", head("204 No", "Content-Length: 0"), taken("", 204)),
  kept("304", head("304 Not Modified"), taken("", 304)),
  kept("no body", answer(""), taken("")),
  kept("a redirect", OK.replace("200 OK", "307 T\r\nLocation: /evil"), taken(BODY, 307)),
  kept("a failure", OK.replace("200 OK", "503 No"), taken(BODY, 503)),
  kept("a challenge", OK.replace("200 OK", "401 U\r\nWWW-Authenticate: Basic"), {
    ...GOOD,
    status: 401,
    challenge: "Basic",
  } as BackendReply),
  kept("the same length twice", answer(BODY, LENGTH)),
  kept("HTTP/1.0 that keeps alive", old(answer(BODY, "Connection: keep-alive"))),
  kept("words that nobody knows on the connection", answer(BODY, "Connection: x, keep-alive, y")),
  kept("a time to live that is none", answer(BODY, "Keep-Alive: timeout=abc, max")),
  kept("a folded header", answer(BODY, "X: 1", " Content-Length: 3", "\t2")),
  kept("line feeds alone in the head", OK.replaceAll("\r\n", "\n")),
  kept("empty lines before it", `\r\n\r\n${OK}`),
  kept("a header of 15 KB", answer(BODY, `X: ${"x".repeat(15_000)}`)),
  kept("an answer before the request's end, which is then read", OK, GOOD, { early: "reads on" }),

  spent("Connection: close", answer(BODY, "Connection: close")),
  spent("keep-alive and close", answer(BODY, "Connection: keep-alive", "Connection: CLOSE")),
  spent("HTTP/1.0", old(OK)),
  spent("HTTP/1.0 with both words", old(answer(BODY, "Connection: keep-alive, close"))),
  spent(
    "HTTP/1.0 with chunks",
    old(chunked(BODY).replace("\r\n", "\r\nConnection: keep-alive\r\n")),
  ),
  spent("no length, until the end", head("200 OK") + BODY, GOOD, { then: "closes" }),
  spent("a folded length", OK.replace(": 14", ":\r\n 14")),
  spent("a folded coding", CHUNKED.replace(": ", ": \r\n ")),
  spent("an answer before the request's end, which is not read", OK, GOOD, { early: "stops" }),
  ...["204", "304"].flatMap((status) => [
    spent(`${status} with a length, and the body`, head(status, LENGTH) + BODY, bodyless(status)),
    spent(`${status} with a length, and the body later`, head(status, LENGTH), bodyless(status), {
      before: BODY,
    }),
    spent(`${status} with chunks`, head(status, CODING) + tail(CHUNKED), bodyless(status)),
    spent(`${status} with chunks, which come later`, head(status, CODING), bodyless(status), {
      before: tail(CHUNKED),
    }),
    spent(`${status} with an answer for a body, later`, head(status, LENGTH), bodyless(status)),
  ]),
  spent("a provisional answer that tells of a body", [head("103 Hints", LENGTH), OK]),
  spent("a provisional answer whose body is an answer", [
    head("103 Hints", `Content-Length: ${OK.length}`) + OK,
  ]),
  spent("a body that is longer than told", `${OK}}`),
  spent("another answer in the same segment", OK + EVIL),
  spent("a second last chunk", `${CHUNKED}0\r\n\r\n`),
  spent("a line end behind it", `${OK}\r\n`),
  ...([
    ["another answer", EVIL],
    ["another answer in chunks", chunked(EVIL_BODY)],
    ["more of the body", "}"],
    ["408, as proxies send it", head("408 Timeout", "Content-Length: 0")],
    ["a provisional answer", head("100 Continue")],
    ["a line end", "\r\n"],
    ["a NUL", "\0"],
    ["half a head", "HTTP/1.1 200 OK\r\nContent-Length: "],
  ] as const).map(([name, whenIdle]) => spent(`${name} while it is idle`, OK, GOOD, { whenIdle })),
  spent("a second last chunk while it is idle", CHUNKED, GOOD, { whenIdle: "0\r\n\r\n" }),
  spent("a body of 204 while it is idle", head("204 No"), taken("", 204), { whenIdle: BODY }),
  spent("another answer once the whole request is there", OK, GOOD, {
    early: "reads on",
    whenIdle: EVIL,
  }),
  spent("the end behind it", OK, GOOD, { whenIdle: "", then: "closes" }),

  refused("no HTTP", "SSH-2.0-OpenSSH_9.2\r\n"),
  refused("a request", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
  refused("another version", OK.replace("HTTP/1.1", "HTTP/2")),
  refused("a status of four digits", OK.replace("200", "2000")),
  refused("a switch of protocols", head("101 S", "Upgrade: x", "Connection: upgrade") + EVIL),
  refused("a return alone", answer(BODY, "X: 1\rContent-Length: 3")),
  refused("a NUL in a header", answer(BODY, "X: \0")),
  refused("a NUL in a name", answer(BODY, "X\0: 1")),
  refused("a NUL in the status line", OK.replace("HTTP", "HTTP\0")),
  refused("a blank before the colon", answer(BODY, "Transfer-Encoding : chunked")),
  refused("a fold before all headers", head("200 OK", ` ${LENGTH}`) + BODY),
  refused("a flood of headers", Array(40).fill(answer("", `X: ${"x".repeat(4000)}`).slice(0, -2))),
  refused("a header that does not end", Array(8).fill(`X: ${"x".repeat(16_000)}`)),
  refused("a length below zero", OK.replace(": 14", ": -1")),
  refused("a length in hexadecimal", OK.replace(": 14", ": 0xe")),
  refused("two lengths", answer(BODY, "Content-Length: 3"), AMBIGUOUS),
  refused("a length beside chunks", [head("200 OK", LENGTH, CODING), tail(CHUNKED)], AMBIGUOUS),
  refused("chunks beside a length", head("200 OK", CODING, "Content-Length: 0") + EVIL, AMBIGUOUS),
  refused("a coding below the chunks", CHUNKED.replace("chunked", "gzip, chunked")),
  refused("a coding that is nearly chunked", CHUNKED.replace("chunked", "xchunked")),
  refused("a chunk's size that is no number", CHUNKED.replace("\r\ne\r", "\r\n0xe\r")),
  refused("a chunk that is longer than told", CHUNKED.replace("\r\ne\r", "\r\nd\r")),
  refused("a chunk that ends with a line feed alone", CHUNKED.replace("}\r", "}")),
  refused("a length over the bound", answer("x".repeat(1025)), UNUSABLE),
  refused("chunks over the bound", chunked(..."x".repeat(1025)), UNUSABLE),
  refused("no UTF-8", answer("\xff"), UNUSABLE),

  refused("the end at once", "", BROKEN, { then: "closes" }),
  refused("a reset at once", "", BROKEN, { then: "resets" }),
  refused("the end in the head", "HTTP/1.1 200 OK\r\nCon", BROKEN, { then: "closes" }),
  refused("the end behind a provisional answer", head("100 C"), BROKEN, { then: "closes" }),
  refused("the end in the body", OK.slice(0, -1), BROKEN, { then: "closes" }),
  refused("a reset in the body", OK.slice(0, -1), BROKEN, { then: "resets" }),
  refused("the end in a chunk", CHUNKED.slice(0, -9), BROKEN, { then: "closes" }),
  refused("the end before the last chunk", CHUNKED.slice(0, -5), BROKEN, { then: "closes" }),

  refused("nothing", "", TIMEOUT),
  refused("half a head", "HTTP/1.1 200 OK\r\nCon", TIMEOUT),
  refused("provisional answers alone", head("103 Hints"), TIMEOUT),
  refused("a head alone, as to HEAD", head("200 OK", LENGTH), TIMEOUT),
  refused("a body that is shorter than told", OK.slice(0, -1), TIMEOUT),
  refused("a chunk that is shorter than told", CHUNKED.replace("\r\ne\r", "\r\nf2\r"), TIMEOUT),
  refused("chunks without a last one", CHUNKED.slice(0, -5), TIMEOUT),
  refused("trailers that do not end", CHUNKED.slice(0, -2), TIMEOUT),
];

function old(text: string): string {
  return text.replace("HTTP/1.1", "HTTP/1.0");
}

function tail(text: string): string {
  return text.slice(text.indexOf("\r\n\r\n") + 4);
}

function bodyless(status: string): BackendReply {
  return taken("", Number(status));
}

/** Lets the other end, which is in this process, read what has been written. */
function tick(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Answers the first request whose path has "first" in it with a shape, and all others with their paths. */
export class ShapeBackend implements AsyncDisposable {
  readonly #shape: AnswerShape;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.TcpConn>();
  readonly #running: Promise<void>;
  readonly #disposed = Promise.withResolvers<void>();
  /** The connection that had the shape. */
  #idle: Deno.TcpConn | undefined;
  /** Paths of the requests that came, each without its leading slash. */
  readonly paths: string[] = [];
  /** Connections that came. */
  connections = 0;
  /** Told when the shape has been written. */
  readonly written = Promise.withResolvers<void>();
  /** Connections that have ended, by their number from 1. */
  readonly ends = new Inbox<number>();

  constructor(shape: AnswerShape) {
    this.#shape = shape;
    this.#running = this.#accept();
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#listener.addr as Deno.NetAddr).port}/`;
  }

  /** The body that an ordinary request to this path is answered. */
  static bodyOf(path: string): string {
    return JSON.stringify({ of: path });
  }

  /** Does what the shape has for an idle connection. */
  async beIdle(): Promise<void> {
    const { whenIdle = "", then } = this.#shape;
    await write(this.#idle!, whenIdle);
    if (then === "closes") await this.#idle!.closeWrite();
  }

  async #accept(): Promise<void> {
    const all: Promise<void>[] = [];
    try {
      for await (const conn of this.#listener) {
        this.connections++;
        this.#open.add(conn);
        all.push(this.#serve(conn, this.connections));
      }
    } catch {
      // The listener was closed.
    }
    await Promise.all(all);
  }

  async #serve(conn: Deno.TcpConn, number: number): Promise<void> {
    conn.setNoDelay(true);
    try {
      while (await this.#exchange(conn)) { /* The next one. */ }
    } catch {
      // The other end cut it.
    } finally {
      this.#open.delete(conn);
      close(conn);
      this.ends.put(number);
    }
  }

  /** @returns Whether the connection can carry another one. */
  async #exchange(conn: Deno.TcpConn): Promise<boolean> {
    const { before = "", early, whenIdle, then } = this.#shape;
    const isReset = then === "resets" && this.paths.length === 0;
    const request = await readRequest(conn, isReset);
    if (request === undefined) return false;
    const { path } = request;
    const isFirst = path.includes("first");
    this.paths.push(path);
    if (!isFirst) {
      await request.body();
      const stale = conn === this.#idle ? before : "";
      await write(conn, stale + answer(ShapeBackend.bodyOf(path)));
      return true;
    }
    this.#idle = conn;
    if (early === undefined) await request.body();
    await this.#write(conn);
    if (early === "reads on") await request.body();
    this.written.resolve();
    if (early === "stops") {
      await this.#disposed.promise;
      return false;
    }
    if (whenIdle === undefined && then === "closes") await conn.closeWrite();
    return !isReset;
  }

  async #write(conn: Deno.TcpConn): Promise<void> {
    for (const part of this.#shape.parts) {
      await write(conn, part);
      if (this.#shape.parts.length > 1) await tick();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.#disposed.resolve();
    for (const conn of this.#open) close(conn);
    await this.#running;
  }
}

interface Request {
  readonly path: string;
  /** Reads on to its end. */
  readonly body: () => Promise<void>;
}

/** @returns A request whose head has come; undefined at the connection's end. */
async function readRequest(conn: Deno.Conn, leavesSome: boolean): Promise<Request | undefined> {
  const buffer = Buffer.alloc(65_536);
  let text = "";
  let end = -1;
  while (end === -1) {
    const n = await conn.read(buffer.subarray(0, leavesSome ? 1 : buffer.length));
    if (n === null) return undefined;
    text += buffer.toString("latin1", 0, n);
    end = text.indexOf("\r\n\r\n");
  }
  let left = end + 4 + Number(/content-length: (\d+)/i.exec(text)![1]) - text.length;
  const body = async (): Promise<void> => {
    // What is left unread makes the close a reset.
    if (leavesSome) return;
    while (left > 0) left -= await conn.read(buffer) ?? Infinity;
  };
  return { path: /^POST \/(\S*)/.exec(text)![1]!, body };
}

function close(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch {
    // Closed already.
  }
}
