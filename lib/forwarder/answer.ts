/**
 * HTTP answers out of the bytes of one connection.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import { HTTPParser } from "http-parser-js";
import { isAscii, utf8Text } from "./body.ts";
import { type BackendReply, isRefusal } from "./forwarder.ts";
import { PlainReader } from "./plain_answer.ts";
import { BROKEN, type Head, MAX_HEADER_BYTES, Refusal, StrictParser } from "./strict_parser.ts";

/** A chunk of one byte takes six; what goes beyond is made to cost work, not to say something. */
const MAX_WIRE_BYTES_FOR_EACH = 8;

const NOTHING = new Uint8Array(0);
const UNUSABLE: BackendReply = { ok: false, fault: "unusable" };
const AMBIGUOUS: BackendReply = { ok: false, fault: "ambiguous" };

/** The parser's word for two that differ. */
const TWO_LENGTHS = "HPE_UNEXPECTED_CONTENT_LENGTH";
const LENGTH = /^\d{1,15}$/;
const LENGTHS = /^\d+(?:[ \t]*,[ \t]*\d+)+$/;

/**
 * Reads answers, one after the other, from the bytes of a connection. It is told when an answer is
 * expected: what comes before that or behind the answer makes the connection unfit for another one.
 */
export class AnswerReader {
  readonly #maxBytes: number;
  readonly #plain: PlainReader | null;
  readonly #parser = new StrictParser("RESPONSE");
  #reply: BackendReply | undefined;
  #isReusable = false;
  /** Whether something was read since `expect` after which the connection must not be used again. */
  #isSpoilt = false;
  #idleMs = Infinity;
  #status = 0;
  #challenge: string | null = null;
  #cacheControl = "";
  #retryAfter: string | undefined;
  #wireBytes = 0;
  /** The body as long as it is in one piece of the bytes pushed last, where that begins, … */
  #piece: Uint8Array | null = null;
  #pieceAt = 0;
  /** … and a copy of it otherwise. */
  #copy: Uint8Array = NOTHING;
  #length = 0;

  /**
   * @param maxBytes The longest body taken; a longer one is `unusable`.
   * @param plain Asked first, about what comes first; null to leave all to the parser.
   */
  constructor(maxBytes: number, plain: PlainReader | null = new PlainReader(maxBytes)) {
    this.#maxBytes = maxBytes;
    this.#plain = plain;
    const parser = this.#parser;
    parser[HTTPParser.kOnHeadersComplete] = (head) => this.#takeHead(head);
    parser[HTTPParser.kOnBody] = (bytes) => this.#takeBody(bytes);
    parser[HTTPParser.kOnMessageComplete] = () => this.#complete();
  }

  /** Whether the connection may carry another request after the answer that came last. */
  get isReusable(): boolean {
    return this.#isReusable;
  }

  /** How long the backend said it keeps an idle connection, in milliseconds; else Infinity. */
  get idleMs(): number {
    return this.#idleMs;
  }

  /** Forgets the answer that came last: a request is sent. */
  expect(): void {
    this.#reply = undefined;
    this.#isReusable = false;
    this.#isSpoilt = false;
    this.#idleMs = Infinity;
    this.#wireBytes = 0;
    this.#challenge = null;
    this.#parser.begin();
  }

  /**
   * Takes bytes that came.
   *
   * @param buffer What came, from its beginning. Not kept: the caller may use it again.
   * @param length How much of it.
   * @returns The whole answer, or the fault that it is; undefined while there is more to come.
   */
  push(buffer: Buffer, length: number): BackendReply | undefined {
    const isFirst = this.#wireBytes === 0;
    this.#wireBytes += length;
    if (isFirst && this.#readPlain(buffer, length)) return this.#reply;
    if (this.#wireBytes > MAX_HEADER_BYTES + MAX_WIRE_BYTES_FOR_EACH * this.#maxBytes) {
      return BROKEN;
    }
    this.#parser.text = buffer.toString("latin1", 0, length);
    try {
      const taken = this.#parser.execute(buffer, 0, length);
      if (this.#reply === undefined && typeof taken !== "number") {
        if (taken instanceof Refusal) return taken.reply;
        return "code" in taken && taken.code === TWO_LENGTHS ? AMBIGUOUS : BROKEN;
      }
    } catch (error) {
      if (error instanceof Refusal) return error.reply;
      throw error;
    }
    if (this.#reply === undefined) this.#keepPiece();
    return this.#reply;
  }

  /** The connection's end, which is also the end of an answer without a length. */
  end(): BackendReply {
    const error = this.#parser.finish();
    return this.#reply !== undefined && error === undefined ? this.#reply : BROKEN;
  }

  /** @returns Whether that was all; the parser has then seen nothing of it, and is as it was. */
  #readPlain(buffer: Buffer, length: number): boolean {
    const plain = this.#plain;
    if (plain === null || !this.#parser.isAtStart) return false;
    const reply = plain.read(buffer, length);
    if (reply === undefined) return false;
    this.#reply = reply;
    this.#isReusable = plain.isReusable;
    this.#idleMs = plain.idleMs;
    return true;
  }

  /** @returns Whether there is no body, whatever the headers say. */
  #takeHead({ statusCode, versionMinor, headers, shouldKeepAlive }: Head): boolean {
    // Nobody asked for another protocol.
    if (statusCode === 101) throw new Refusal(BROKEN);
    this.#status = statusCode;
    this.#length = 0;
    this.#piece = null;
    this.#cacheControl = "";
    this.#retryAfter = undefined;
    this.#isReusable = shouldKeepAlive;
    let length: string | undefined;
    let isChunked = false;
    for (let i = 0; i < headers.length; i += 2) {
      const value = headers[i + 1]!;
      switch (headers[i]!.toLowerCase()) {
        case "content-length":
          if (LENGTHS.test(value) || (length ?? value) !== value) throw new Refusal(AMBIGUOUS);
          if (!LENGTH.test(value)) throw new Refusal(BROKEN);
          length = value;
          break;
        case "transfer-encoding":
          if (isChunked || value.toLowerCase() !== "chunked") throw new Refusal(BROKEN);
          isChunked = true;
          break;
        case "connection":
          // The parser does not look for it in HTTP/1.0 that keeps alive (RFC 9112 §9.3).
          if (/close/i.test(value)) this.#isSpoilt = true;
          break;
        case "keep-alive": {
          const seconds = /(?:^|[ ,])timeout=(\d{1,6})/i.exec(value)?.[1];
          if (seconds !== undefined) this.#idleMs = Number(seconds) * 1000;
          break;
        }
        case "www-authenticate":
          this.#challenge ??= value;
          break;
        case "cache-control":
          this.#cacheControl += `,${value}`;
          break;
        case "retry-after":
          this.#retryAfter ??= value;
      }
    }
    if (length !== undefined && isChunked) throw new Refusal(AMBIGUOUS);
    const isBodyless = statusCode < 200 || statusCode === 204 || statusCode === 304;
    // A body that must not be there may still come, in the place of the next answer. Of HTTP/1.0 nobody
    // knows who has read its chunks before (RFC 9112 §6.1), and of a fold neither.
    if (
      (isBodyless && (isChunked || Number(length ?? 0) > 0)) ||
      (isChunked && versionMinor === 0) || this.#parser.hasFold
    ) this.#isSpoilt = true;
    if (this.#parser.hasBadChallenge) {
      // A refusal is one without its challenge too; nothing else is said by such an answer.
      if (!isRefusal(statusCode)) throw new Refusal(BROKEN);
      this.#challenge = null;
      this.#isSpoilt = true;
    }
    if (isBodyless) return true;
    if (Number(length ?? 0) > this.#maxBytes) throw new Refusal(UNUSABLE);
    return false;
  }

  #takeBody(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#maxBytes) throw new Refusal(UNUSABLE);
    if (this.#length === 0) {
      this.#piece = bytes;
      this.#pieceAt = this.#parser.offset;
    } else {
      this.#keepPiece();
      this.#append(bytes, this.#length);
    }
    this.#length += bytes.length;
  }

  /** The bytes pushed last will be overwritten. */
  #keepPiece(): void {
    if (this.#piece === null) return;
    this.#append(this.#piece, 0);
    this.#piece = null;
  }

  #append(bytes: Uint8Array, at: number): void {
    const needed = at + bytes.length;
    if (needed > this.#copy.length) {
      const larger = new Uint8Array(Math.max(needed, Math.min(2 * needed, this.#maxBytes)));
      larger.set(this.#copy.subarray(0, at));
      this.#copy = larger;
    }
    this.#copy.set(bytes, at);
  }

  #bodyText(): string | undefined {
    if (this.#piece === null) return utf8Text(this.#copy.subarray(0, this.#length));
    // ASCII is what most answers are, and then their text is there already.
    const text = this.#parser.text.slice(this.#pieceAt, this.#pieceAt + this.#length);
    return isAscii(text) ? text : utf8Text(this.#piece);
  }

  #complete(): void {
    const status = this.#status;
    // A provisional answer; the one that counts follows.
    if (status < 200) return;
    const body = this.#bodyText();
    this.#piece = null;
    this.#copy = NOTHING;
    if (body === undefined) this.#reply = UNUSABLE;
    else if (isRefusal(status)) {
      this.#reply = { ok: true, status, body, challenge: this.#challenge };
    } else if (this.#cacheControl === "") this.#reply = { ok: true, status, body };
    else this.#reply = { ok: true, status, body, cacheControl: this.#cacheControl.slice(1) };
    if (this.#retryAfter !== undefined && this.#reply.ok && !isRefusal(status)) {
      this.#reply = { ...this.#reply, retryAfter: this.#retryAfter };
    }
    if (this.#isSpoilt) this.#isReusable = false;
    const parser = this.#parser;
    if (parser.offset < parser.end) {
      this.#isReusable = false;
      // Nobody asked for what follows.
      parser.offset = parser.end;
    }
  }
}
