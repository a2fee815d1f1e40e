/**
 * The common answer, read straight out of its bytes.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import { utf8TextOf } from "./body.ts";
import { type BackendReply, isRefusal } from "./forwarder.ts";

/** Longer ones are rare; how much a head may take in all is for the parser to judge. */
const MAX_BYTES = 64 * 1024;

const START = "HTTP/1.1 ";
const STATUS_AT = START.length;
const REASON_AT = STATUS_AT + 3;

const TAKEN_APART = {
  connection: "connection",
  keepAlive: "keep-alive",
  cacheControl: "cache-control",
  contentLength: "content-length",
  challenge: "www-authenticate",
  retryAfter: "retry-after",
  coding: "transfer-encoding",
} as const;

const BLANK = 0x20;
const COLON = 0x3a;
const CR = 0x0d;
const LF = 0x0a;

/**
 * Reads an answer that lies whole in what came, and is nothing but what backends commonly send:
 * HTTP/1.1, lines without control characters that end with CRLF, a body of `Content-Length` bytes or
 * a 204, and nothing behind it. It looks at each byte once and makes nothing but the reply.
 *
 * It decides only where it is sure: of all else, right or wrong, it says nothing, and the parser of
 * `AnswerReader` reads it from its beginning. Where it decides, it comes to what that parser would;
 * a differential test holds it to that.
 */
export class PlainReader {
  /** Of the answer that was read last: whether the connection may carry another request, … */
  isReusable = false;
  /** … and for how long the backend keeps it when it is idle, in milliseconds; else Infinity. */
  idleMs = Infinity;
  readonly #maxBytes: number;
  #length = -1;
  #hasChallenge = false;
  #cacheControlAt = -1;
  #cacheControlEnd = -1;

  /** @param maxBytes The longest body taken. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Reads the answer that begins where the bytes do.
   *
   * @param bytes What came.
   * @param length How much of it.
   * @returns The reply; undefined when it is for the parser to say.
   */
  read(bytes: Buffer, length: number): BackendReply | undefined {
    if (length > MAX_BYTES || !begins(bytes, 0, length, START)) return undefined;
    const status = numberAt(bytes, STATUS_AT, REASON_AT);
    const next = bytes[REASON_AT];
    if (status < 200 || status > 599 || status === 304 || (next !== BLANK && next !== CR)) {
      return undefined;
    }
    const bodyAt = this.#readHead(bytes, length);
    if (bodyAt === -1) return undefined;
    // A 204 has no length; one that tells of a body is for the parser.
    if (status === 204 ? this.#length !== -1 : this.#length === -1) return undefined;
    const isWhole = bodyAt + Math.max(0, this.#length) === length;
    if (!isWhole || this.#length > this.#maxBytes) return undefined;
    const body = utf8TextOf(bytes, bodyAt, length);
    if (body === undefined) return undefined;
    if (isRefusal(status)) {
      return this.#hasChallenge ? undefined : { ok: true, status, body, challenge: null };
    }
    if (this.#cacheControlAt === -1) return { ok: true, status, body };
    const cacheControl = bytes.toString("latin1", this.#cacheControlAt, this.#cacheControlEnd);
    return { ok: true, status, body, cacheControl };
  }

  /** @returns Where the body begins; -1 when it is for the parser to say. */
  #readHead(bytes: Buffer, length: number): number {
    this.isReusable = true;
    this.idleMs = Infinity;
    this.#length = -1;
    this.#hasChallenge = false;
    this.#cacheControlAt = -1;
    let end = lineEnd(bytes, REASON_AT, length);
    while (end !== -1) {
      const at = end + 2;
      if (at + 1 >= length) return -1;
      if (bytes[at] === CR) return bytes[at + 1] === LF ? at + 2 : -1;
      const colon = nameEnd(bytes, at, length);
      if (colon === -1) return -1;
      let valueAt = colon + 1;
      while (valueAt < length && bytes[valueAt] === BLANK) valueAt++;
      end = lineEnd(bytes, valueAt, length);
      if (end === -1 || !this.#takeHeader(bytes, at, colon, valueAt, end)) return -1;
    }
    return -1;
  }

  /** @returns Whether there is nothing unusual in it. */
  #takeHeader(bytes: Buffer, at: number, colon: number, valueAt: number, end: number): boolean {
    // Most headers are told by the length of their names alone.
    switch (colon - at) {
      case TAKEN_APART.connection.length:
        if (begins(bytes, at, colon, TAKEN_APART.connection)) {
          return this.#takeConnection(bytes, valueAt, end);
        }
        return !begins(bytes, at, colon, TAKEN_APART.keepAlive) ||
          this.#takeKeepAlive(bytes, valueAt, end);
      case TAKEN_APART.cacheControl.length:
        if (!begins(bytes, at, colon, TAKEN_APART.cacheControl)) return true;
        if (this.#cacheControlAt !== -1 || bytes[end - 1] === BLANK) {
          return false;
        }
        this.#cacheControlAt = valueAt;
        this.#cacheControlEnd = end;
        return true;
      case TAKEN_APART.contentLength.length:
        if (!begins(bytes, at, colon, TAKEN_APART.contentLength)) return true;
        if (this.#length !== -1) return false;
        this.#length = numberAt(bytes, valueAt, end);
        return this.#length !== -1;
      case TAKEN_APART.challenge.length:
        this.#hasChallenge ||= begins(bytes, at, colon, TAKEN_APART.challenge);
        return true;
      case TAKEN_APART.retryAfter.length:
        // Seldom there: it is for the parser.
        return !begins(bytes, at, colon, TAKEN_APART.retryAfter);
      case TAKEN_APART.coding.length:
        return !begins(bytes, at, colon, TAKEN_APART.coding);
      default:
        return true;
    }
  }

  #takeConnection(bytes: Buffer, at: number, end: number): boolean {
    if (isText(bytes, at, end, "keep-alive")) return true;
    this.isReusable = false;
    return isText(bytes, at, end, "close");
  }

  #takeKeepAlive(bytes: Buffer, at: number, end: number): boolean {
    const parameter = "timeout=";
    if (!begins(bytes, at, end, parameter)) return false;
    const secondsAt = at + parameter.length;
    let secondsEnd = secondsAt;
    while (secondsEnd < end && isDigit(bytes[secondsEnd]!)) secondsEnd++;
    if (secondsEnd - secondsAt > 6) return false;
    const seconds = numberAt(bytes, secondsAt, secondsEnd);
    this.idleMs = seconds * 1000;
    return seconds !== -1;
  }
}

/** Where a line's CRLF is that has no control character before it; -1 when there is none. */
function lineEnd(bytes: Uint8Array, from: number, length: number): number {
  for (let at = from; at < length; at++) {
    const byte = bytes[at]!;
    if (byte >= 0x20 && byte !== 0x7f) continue;
    return byte === CR && at + 1 < length && bytes[at + 1] === LF ? at : -1;
  }
  return -1;
}

/** Where a name's colon is; -1 when the name is empty, or has a blank or a control character. */
function nameEnd(bytes: Uint8Array, from: number, length: number): number {
  for (let at = from; at < length; at++) {
    const byte = bytes[at]!;
    if (byte === COLON) return at === from ? -1 : at;
    if (byte <= 0x20 || byte === 0x7f) return -1;
  }
  return -1;
}

/**
 * Whether a text is there; its small letters stand for capitals too.
 *
 * @param text ASCII.
 */
function begins(bytes: Uint8Array, at: number, end: number, text: string): boolean {
  if (end - at < text.length) return false;
  for (let i = 0; i < text.length; i++) {
    const byte = bytes[at + i]!;
    const code = text.charCodeAt(i);
    if (byte !== code && (code < 0x61 || (byte | 0x20) !== code)) return false;
  }
  return true;
}

function isText(bytes: Uint8Array, at: number, end: number, text: string): boolean {
  return end - at === text.length && begins(bytes, at, end, text);
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** A number of one to nine digits and nothing else; -1 when it is something else. */
function numberAt(bytes: Uint8Array, at: number, end: number): number {
  if (end === at || end - at > 9) return -1;
  let number = 0;
  for (let i = at; i < end; i++) {
    const byte = bytes[i]!;
    if (!isDigit(byte)) return -1;
    number = 10 * number + byte - 0x30;
  }
  return number;
}
