/**
 * One keep-alive connection to the backend.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { AnswerReader } from "./answer.ts";
import type { BackendReply } from "./forwarder.ts";

/** What can be read at once; a longer answer takes several reads. */
const READ_BYTES = 16 * 1024;

/** Memory for requests that each connection keeps; longer ones get their own. */
const WRITE_BYTES = 4 * 1024;

/** The request did not leave: no byte of it was taken by the kernel. */
export const NEVER_LEFT = Symbol("never left");

const BROKEN: BackendReply = { ok: false, fault: "broken" };

export interface HttpConnectionOptions {
  /** The longest answer taken. */
  readonly maxBytes: number;
  /** Told when an exchange is over and the connection can carry another one. */
  readonly onIdle: () => void;
  /** Told once when it is closed, whatever the reason. */
  readonly onClosed: () => void;
}

type Sent = BackendReply | typeof NEVER_LEFT;

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
  readonly #conn: Deno.Conn;
  readonly #options: HttpConnectionOptions;
  readonly #reader: AnswerReader;
  #settle: ((sent: Sent) => void) | null = null;
  #output: Uint8Array | null = null;
  #isWriting = false;
  #isClosed = false;

  /** Takes over a socket that is connected. */
  constructor(conn: Deno.Conn, options: HttpConnectionOptions) {
    this.#conn = conn;
    this.#options = options;
    this.#reader = new AnswerReader(options.maxBytes);
    void this.#read();
  }

  /** How long the backend said it keeps the connection, in milliseconds; else Infinity. */
  get idleMs(): number {
    return this.#reader.idleMs;
  }

  /**
   * Sends a request and waits for its answer. Only on an idle connection. Never rejects; ends at the
   * latest with `close`.
   *
   * @param request Head and body.
   * @returns The answer or a fault, or NEVER_LEFT when it is certain that nothing arrived.
   */
  exchange(request: string): Promise<Sent> {
    return new Promise((resolve) => {
      if (this.#isClosed) return resolve(NEVER_LEFT);
      this.#settle = resolve;
      this.#reader.expect();
      this.#isWriting = true;
      void this.#write(this.#encode(request));
    });
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
    this.#options.onClosed();
    this.#end(outcome);
  }

  #end(outcome: Sent): void {
    const settle = this.#settle;
    this.#settle = null;
    settle?.(outcome);
  }

  #encode(text: string): Uint8Array {
    // UTF-8 takes at most three bytes for a UTF-16 code unit.
    if (text.length * 3 > WRITE_BYTES) return encoder.encode(text);
    const output = this.#output ??= new Uint8Array(WRITE_BYTES);
    return output.subarray(0, encoder.encodeInto(text, output).written);
  }

  async #write(request: Uint8Array): Promise<void> {
    let rest = request;
    try {
      while (true) {
        const written = await this.#conn.write(rest);
        if (written === rest.length) break;
        rest = rest.subarray(written);
      }
    } catch {
      // The kernel took nothing, so nothing arrived. To a request that was taken in part there may still
      // be an answer, which the reading side sees, or the end.
      if (rest === request) this.close(NEVER_LEFT);
      return;
    }
    this.#isWriting = false;
    if (this.#settle === null) this.#rest();
  }

  async #read(): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    try {
      while (true) {
        const length = await this.#conn.read(buffer);
        if (this.#isClosed) return;
        if (length === null) break;
        if (this.#settle === null) return this.close();
        const reply = this.#reader.push(buffer, length);
        if (reply === undefined) continue;
        if (!this.#reader.isReusable || !reply.ok) return this.close(reply);
        this.#end(reply);
        if (!this.#isWriting) this.#rest();
      }
    } catch {
      return this.close();
    }
    this.close(this.#settle === null ? BROKEN : this.#reader.end());
  }

  /** The exchange is over on both ways. */
  #rest(): void {
    if (!this.#isClosed) this.#options.onIdle();
  }
}

const encoder = new TextEncoder();
