/**
 * One keep-alive connection to the backend.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { AnswerReader } from "./answer.ts";
import type { BackendReply } from "./forwarder.ts";
import type { Post } from "./layer.ts";
import type { RequestWriter } from "./request_writer.ts";

/** What can be read at once; a longer answer takes several reads. */
const READ_BYTES = 16 * 1024;

/** The request did not leave: no byte of it was taken by the kernel. */
export const NEVER_LEFT = Symbol("never left");

const BROKEN: BackendReply = { ok: false, fault: "broken" };

export type Sent = BackendReply | typeof NEVER_LEFT;

/** Who has the connections. */
export interface ConnectionOwner {
  readonly writer: RequestWriter;
  /** The longest answer taken. */
  readonly maxBytes: number;
  /** Called once when it is closed, whatever the reason. */
  closed(connection: HttpConnection): void;
  /** How an exchange ended that gets no answer, or one with which the connection is closed. */
  ended(connection: HttpConnection, post: Post, sent: Sent): void;
  /**
   * An exchange was answered.
   *
   * @param isIdle Whether the connection can carry another one; `idle` follows otherwise.
   */
  answered(connection: HttpConnection, post: Post, reply: BackendReply, isIdle: boolean): void;
  /** The request of an exchange that was answered early has left: the connection can carry another one. */
  idle(connection: HttpConnection): void;
}

/**
 * Owns a socket and the one exchange on it: a request goes out, an answer comes back.
 *
 * It reads all the time, so that the end of an idle connection is known before a request is put on
 * it. Anything that was not asked for closes it. What comes from the moment on when a request goes out
 * is taken for the answer to it: HTTP has nothing that tells one that the backend wrote before.
 */
export class HttpConnection {
  /** When the exchange under way is given up, Infinity without one; its owner's business. */
  deadline = Infinity;
  /** While it is idle: since when, and from when on the backend may close it at any moment. Likewise. */
  idleSince = 0;
  idleUntil = 0;
  /** Exchanges begun. */
  exchanges = 0;
  readonly #conn: Deno.Conn;
  readonly #owner: ConnectionOwner;
  readonly #reader: AnswerReader;
  /** The exchange under way. */
  #post: Post | null = null;
  /** Memory for requests, kept from one to the next. */
  #output: Uint8Array | null = null;
  /** What of the request has not been taken by the kernel; null when all has. */
  #unwritten: Uint8Array | null = null;
  #isUntouched = false;
  #isClosed = false;
  // Made once rather than for each request.
  readonly #written = (length: number): void => this.#took(length);
  readonly #notWritten = (): void => this.#tookNothing();

  /** Takes over a socket that is connected. */
  constructor(conn: Deno.Conn, owner: ConnectionOwner) {
    this.#conn = conn;
    this.#owner = owner;
    this.#reader = new AnswerReader(owner.maxBytes);
    void this.#read();
  }

  /** How long the backend said it keeps the connection, in milliseconds; else Infinity. */
  get idleMs(): number {
    return this.#reader.idleMs;
  }

  /**
   * Sends a request; the owner is told how it ended, never before this returns. To be called only while
   * no exchange is under way. It has no time limit of its own: its owner ends it with `close`.
   */
  exchange(post: Post): void {
    const { writer } = this.#owner;
    this.#output ??= writer.memory();
    const bytes = writer.write(post, this.#output);
    this.exchanges++;
    this.#post = post;
    if (this.#isClosed) return queueMicrotask(() => this.#end(NEVER_LEFT));
    this.#reader.expect();
    this.#isUntouched = true;
    this.#write(bytes);
  }

  /**
   * Closes the socket.
   *
   * @param outcome What an exchange under way ends with.
   */
  close(outcome: Sent = BROKEN): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      this.#conn.close();
    } catch {
      // The other end was quicker.
    }
    this.#owner.closed(this);
    this.#end(outcome);
  }

  #end(outcome: Sent): void {
    const post = this.#post;
    this.#post = null;
    if (post !== null) this.#owner.ended(this, post, outcome);
  }

  #write(bytes: Uint8Array): void {
    this.#unwritten = bytes;
    void this.#conn.write(bytes).then(this.#written, this.#notWritten);
  }

  #took(length: number): void {
    const rest = this.#unwritten!;
    this.#isUntouched = false;
    if (length < rest.length) return this.#write(rest.subarray(length));
    this.#unwritten = null;
    if (this.#post === null && !this.#isClosed) this.#owner.idle(this);
  }

  /**
   * The kernel took nothing, so nothing arrived. To a request that was taken in part there may still be
   * an answer, which the reading side sees, or the end.
   */
  #tookNothing(): void {
    if (this.#isUntouched) this.close(NEVER_LEFT);
  }

  async #read(): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    try {
      while (true) {
        const length = await this.#conn.read(buffer);
        if (this.#isClosed) return;
        if (length === null) break;
        if (this.#post === null) return this.close();
        const reply = this.#reader.push(buffer, length);
        if (reply === undefined) continue;
        if (!this.#reader.isReusable || !reply.ok) return this.close(reply);
        const post = this.#post;
        this.#post = null;
        this.#owner.answered(this, post, reply, this.#unwritten === null);
      }
    } catch {
      return this.close();
    }
    this.close(this.#post === null ? BROKEN : this.#reader.end());
  }
}
