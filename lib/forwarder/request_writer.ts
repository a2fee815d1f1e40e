/**
 * Requests as bytes.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Clock } from "../clock.ts";
import { traceHeaders } from "../codec/trace_context.ts";
import type { Origin } from "../identity.ts";
import type { BackendAddress } from "./dial.ts";
import type { Post } from "./layer.ts";
import { webhookHeaders } from "./signature.ts";

/** Memory that a connection keeps for its requests; a longer one gets its own. */
const MEMORY_BYTES = 4 * 1024;
/** Of that, in front: the request line ends where the headers begin that are the same in all. */
const LINE_BYTES = 1024;

export interface RequestWriterOptions {
  readonly userAgent: string;
  /** As `ForwarderOptions` has them. */
  readonly signKeys: readonly Uint8Array[] | undefined;
  readonly clock: Clock;
}

/**
 * Writes POSTs to one backend. Almost all are ASCII and short: those are written, character by character,
 * around the headers that stand in a connection's memory already, which takes no longer than making a
 * text and encoding it, and leaves nothing behind.
 */
export class RequestWriter {
  readonly #basePath: string;
  readonly #commonHead: string;
  readonly #options: RequestWriterOptions;

  constructor({ host, basePath }: BackendAddress, options: RequestWriterOptions) {
    this.#basePath = basePath;
    this.#options = options;
    this.#commonHead = ` HTTP/1.1\r\nHost: ${host}\r\n` +
      `User-Agent: ${options.userAgent}\r\n` +
      "Content-Type: application/json\r\nAccept: application/json\r\n" +
      "Accept-Encoding: identity\r\nX-Ws2api-Connection: ";
  }

  /** Memory for the requests of one connection. */
  memory(): Uint8Array {
    const memory = new Uint8Array(MEMORY_BYTES);
    encoder.encodeInto(this.#commonHead, memory.subarray(LINE_BYTES));
    return memory;
  }

  /**
   * Writes a request, head and body.
   *
   * @param memory Made by `memory`, and free: what was written there before has left.
   * @returns The request's bytes, there or elsewhere.
   */
  write(post: Post, memory: Uint8Array): Uint8Array {
    const { origin, body } = post.request;
    const path = this.#basePath + post.path;
    const lines = this.#ownLines(post, path);
    return this.#writeAscii(path, origin, lines, body, memory) ??
      encoder.encode(
        METHOD + path + this.#commonHead + origin.connectionId + originText(origin) + LINE_END +
          lines + LENGTH + Buffer.byteLength(body) + HEAD_END + body,
      );
  }

  /** Header lines that not all requests have. */
  #ownLines({ request: { body }, webhookId, trace }: Post, path: string): string {
    let lines = "";
    if (webhookId !== undefined) {
      const { signKeys, clock } = this.#options;
      for (
        const [name, value] of webhookHeaders({ webhookId, path, body }, signKeys, clock.wallNow())
      ) lines += `${name}: ${value}\r\n`;
    }
    if (trace !== undefined) {
      for (const [name, value] of traceHeaders(trace)) lines += `${name}: ${value}\r\n`;
    }
    return lines;
  }

  /** @returns Undefined when it is too long, or not ASCII. */
  #writeAscii(
    path: string,
    { connectionId, protocol, remoteAddress }: Origin,
    lines: string,
    body: string,
    memory: Uint8Array,
  ): Uint8Array | undefined {
    const begin = LINE_BYTES - METHOD.length - path.length;
    const headAt = LINE_BYTES + this.#commonHead.length;
    const least = headAt + connectionId.length + ADDRESS.length + remoteAddress.length +
      PROTOCOL.length + (protocol?.length ?? 0) + lines.length + LENGTH.length + body.length;
    if (begin < 0 || least + MAX_REST > memory.length) return undefined;
    if (!isPut(METHOD, memory, begin) || !isPut(path, memory, begin + METHOD.length)) {
      return undefined;
    }
    let at = headAt;
    if (!isPut(connectionId, memory, at)) return undefined;
    at += connectionId.length;
    isPut(ADDRESS, memory, at);
    at = putVisible(remoteAddress, memory, at + ADDRESS.length);
    if (protocol !== null) {
      isPut(PROTOCOL, memory, at);
      at = putVisible(protocol, memory, at + PROTOCOL.length);
    }
    isPut(LINE_END, memory, at);
    at += LINE_END.length;
    if (!isPut(lines, memory, at)) return undefined;
    at += lines.length;
    isPut(LENGTH, memory, at);
    at = putNumber(body.length, memory, at + LENGTH.length);
    isPut(HEAD_END, memory, at);
    at += HEAD_END.length;
    if (!isPut(body, memory, at)) return undefined;
    return memory.subarray(begin, at + body.length);
  }
}

const METHOD = "POST ";
const ADDRESS = "\r\nX-Forwarded-For: ";
const PROTOCOL = "\r\nX-Ws2api-Protocol: ";
const LINE_END = "\r\n";
const LENGTH = "Content-Length: ";
const HEAD_END = "\r\n\r\n";
/** The digits of a length, and the ends of lines. */
const MAX_REST = 16;

const encoder = new TextEncoder();

/** Writes a text; false when it is not ASCII. There must be room. */
function isPut(text: string, memory: Uint8Array, at: number): boolean {
  const { length } = text;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return false;
    memory[at + i] = code;
  }
  return true;
}

/** Writes what is visible ASCII of a text: nothing can end a line. @returns The end. */
function putVisible(text: string, memory: Uint8Array, at: number): number {
  const { length } = text;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x20 && code < 0x7f) memory[at++] = code;
  }
  return at;
}

/** Writes a whole number, in decimal digits. @returns The end. */
function putNumber(value: number, memory: Uint8Array, at: number): number {
  let digits = 1;
  for (let rest = value; rest >= 10; rest = Math.trunc(rest / 10)) digits++;
  let rest = value;
  for (let i = at + digits - 1; i >= at; i--) {
    memory[i] = 0x30 + rest % 10;
    rest = Math.trunc(rest / 10);
  }
  return at + digits;
}

/** The same as a text, but for the last line's end. */
function originText({ protocol, remoteAddress }: Origin): string {
  const address = ADDRESS + visible(remoteAddress);
  return protocol === null ? address : address + PROTOCOL + visible(protocol);
}

function visible(text: string): string {
  return text.replace(/[^!-~]/g, "");
}
