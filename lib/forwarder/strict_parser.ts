/**
 * A parser of HTTP answers that takes nothing but what RFC 9112 has.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import { HTTPParser } from "http-parser-js";
import type { BackendReply } from "./forwarder.ts";

/** Headers and trailers of one answer. */
export const MAX_HEADER_BYTES = 64 * 1024;

export const BROKEN: BackendReply = { ok: false, fault: "broken" };

/** What the parser throws through itself when an answer cannot be taken. */
export class Refusal extends Error {
  readonly reply: BackendReply;

  constructor(reply: BackendReply) {
    super("answer refused");
    this.reply = reply;
  }
}

/** RFC 9112 §4, but for the reason phrase, which may be anything. */
const STATUS_LINE = /^HTTP\/1\.\d [1-9]\d\d(?: |\r?$)/;

/** A header line (§5): a name without blanks. */
const HEADER_LINE = /^[^ \t:]+:/;
/** The one header that is passed on. */
const CHALLENGE_LINE = /^www-authenticate:/i;
/** Those that the parser or `AnswerReader` looks at besides; the others need not be taken apart. */
const NEEDED_HEADER =
  /^(?:content-length|transfer-encoding|connection|keep-alive|upgrade|cache-control|retry-after):/i;

/** What the parser tells of an answer before its body. */
export interface Head {
  readonly statusCode: number;
  /** 0 of HTTP/1.0. */
  readonly versionMinor: number;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly shouldKeepAlive: boolean;
}

/** What the library's types leave out. */
interface Parser {
  line: string;
  headerSize: number;
  body_bytes: number | null;
  state: string;
  offset: number;
  readonly end: number;
  parseHeader(line: string, headers: string[]): void;
  execute(chunk: Buffer, start: number, length: number): number | Error;
  finish(): void | Error;
  [HTTPParser.kOnHeadersComplete]: (head: Head) => boolean;
  [HTTPParser.kOnBody]: (bytes: Buffer) => void;
  [HTTPParser.kOnMessageComplete]: () => void;
}

const LenientParser = HTTPParser as unknown as new (type: "RESPONSE") => Parser;

/**
 * The parser itself takes any text for a length, `Number("0x10")` and `parseInt("zz", 16)` alike, and
 * passes over lines that are no header. Two readings of where an answer ends are one too many, so
 * what is not to the letter of RFC 9112 is refused here and in `AnswerReader`.
 */
export class StrictParser extends LenientParser {
  /** Whether a WWW-Authenticate with a control character was left out of the answer that is read. */
  hasBadChallenge = false;

  /** Whether a header that is looked at was folded in the answer that is read, but for a challenge. */
  hasFold = false;

  /** Of the answer that is read. */
  #headerBytes = 0;

  /** What the line before was, which a folded one goes on with. */
  #before: "no header" | "needed" | "challenge" | "other" = "no header";

  /** The bytes that are read, one character each: one call for all lines, and it may be a body's text. */
  text = "";

  /** Whether it has seen nothing of an answer. */
  get isAtStart(): boolean {
    return this.state === "RESPONSE_LINE" && this.line === "";
  }

  /** Another answer, with its provisional ones, is to be read. */
  begin(): void {
    this.#headerBytes = 0;
    // The parser's own count goes on from the answer before.
    this.headerSize = 0;
    this.hasBadChallenge = false;
    this.hasFold = false;
  }

  /** Called by the parser for each line of a head, and of trailers. */
  override parseHeader(line: string, headers: string[]): void {
    this.#headerBytes += line.length;
    if (this.#headerBytes > MAX_HEADER_BYTES) throw new Refusal(BROKEN);
    // A folded line is the value's next part, with a blank for the fold (§5.2); `super` joins them.
    const isFold = line.startsWith(" ") || line.startsWith("\t");
    if (!isFold) this.#before = kindOf(line);
    if (hasControl(line) || (isFold ? this.#before === "no header" : !HEADER_LINE.test(line))) {
      // Whether the answer can do without it depends on its status.
      if (this.state !== "HEADER" || this.#before !== "challenge") throw new Refusal(BROKEN);
      this.hasBadChallenge = true;
    }
    if (this.#before === "other" || (this.#before === "challenge" && this.hasBadChallenge)) return;
    if (isFold && this.#before === "needed") this.hasFold = true;
    super.parseHeader(line, headers);
  }

  /** Called by the parser. @returns Undefined while the line's end has not come. */
  consumeLine(): string | undefined {
    const end = this.text.indexOf("\n", this.offset);
    const line = this.line + this.text.slice(this.offset, end === -1 ? this.end : end);
    if (end === -1) {
      this.line = line;
      this.offset = this.end;
      if (line.length > MAX_HEADER_BYTES) throw new Refusal(BROKEN);
      return undefined;
    }
    this.line = "";
    this.offset = end + 1;
    const hasReturn = line.endsWith("\r");
    if (this.state === "RESPONSE_LINE") {
      this.#before = "no header";
      if (line !== "" && line !== "\r" && !STATUS_LINE.test(line)) throw new Refusal(BROKEN);
    } else if (this.state !== "HEADER" && !hasReturn) {
      // Between chunks a bare line feed is where parsers part ways; in a head it may stand (§2.2).
      throw new Refusal(BROKEN);
    }
    return hasReturn ? line.slice(0, -1) : line;
  }

  /** The size line of a chunk (§7.1); called by the parser. */
  BODY_CHUNKHEAD(): void {
    const line = this.consumeLine();
    if (line === undefined) return;
    const size = /^([0-9a-f]{1,8})[ \t]*(?:;.*)?$/i.exec(line)?.[1];
    if (size === undefined) throw new Refusal(BROKEN);
    this.body_bytes = parseInt(size, 16);
    // Of the trailers.
    this.#before = "no header";
    this.state = this.body_bytes === 0 ? "BODY_CHUNKTRAILERS" : "BODY_CHUNK";
  }
}

function kindOf(line: string): "needed" | "challenge" | "other" {
  if (NEEDED_HEADER.test(line)) return "needed";
  return CHALLENGE_LINE.test(line) ? "challenge" : "other";
}

/**
 * Whether there is a control character but a tab, which no header may have (RFC 9110 §5.5). What is
 * passed on could otherwise end a line, or the process: the runtime panics over most of them. Not a
 * regular expression: with all these ranges it takes half as long as reading the whole answer.
 */
function hasControl(line: string): boolean {
  for (let i = 0; i < line.length; i++) {
    const code = line.charCodeAt(i);
    if ((code < 0x20 && code !== 0x09) || code === 0x7f) return true;
  }
  return false;
}
