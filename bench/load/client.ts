/**
 * One simulated client on a raw socket.
 *
 * @module
 */

import {
  type CallFrames,
  CLOSE,
  FrameReader,
  maskedFrame,
  PING,
  PONG,
  readAnswer,
  TEXT,
} from "./frame.ts";

/** An answer and a ping fit; a client that gets more takes a larger buffer by itself. */
const BUFFER_BYTES = 512;
/** RFC 6455 §1.3: its example key and the accept value that belongs to it. */
const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT = /^sec-websocket-accept: *s3pPLMBiTxaQ9kYGzzhZRbK\+xOo= *\r$/im;

/** What a client tells its generator; times are of `performance.now()`, in milliseconds. */
export interface Listener {
  opened(client: Client, connectMs: number): void;
  /** It never opened. */
  failed(reason: string): void;
  /** It was open and is not any more. */
  lost(client: Client, reason: string): void;
  answered(client: Client, isError: boolean, roundTripMs: number, now: number): void;
  /** Something came that answers no CALL. */
  bad(): void;
}

/** Where to connect: a loopback address. */
export interface Target {
  readonly hostname: string;
  readonly port: number;
  /** The path before the ClientId, with slashes at both ends. */
  readonly path: string;
}

/**
 * A client that sends CALLs when it is told to and matches the answers by MessageId.
 *
 * It answers pings. A CALL from the gateway counts as bad: there is nobody who would send one.
 */
export class Client {
  /** When its next CALL is to be sent; the generator's. */
  dueAt = 0;
  isOpen = false;
  readonly #id: string;
  readonly #frames: CallFrames;
  readonly #listener: Listener;
  readonly #reader = new FrameReader(new Uint8Array(BUFFER_BYTES));
  /** Intended times of the CALLs not answered yet, by MessageId. */
  readonly #outstanding = new Map<number, number>();
  #conn: Deno.TcpConn | null = null;
  #lastId = 0;
  #isWriting = false;
  #waiting: Uint8Array<ArrayBuffer>[] | null = null;

  constructor(id: string, frames: CallFrames, listener: Listener) {
    this.#id = id;
    this.#frames = frames;
    this.#listener = listener;
  }

  /** Connects and reads until the end of the socket. Never rejects. */
  async run(target: Target): Promise<void> {
    try {
      await this.#connect(target);
      const conn = this.#conn!;
      do {
        while (this.#reader.next()) this.#receive();
        const count = await conn.read(this.#reader.space());
        if (count === null) throw new Error("the gateway cut the connection");
        this.#reader.received(count);
      } while (true);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const wasOpen = this.isOpen;
      this.isOpen = false;
      this.#conn?.close();
      if (wasOpen) this.#listener.lost(this, reason);
      else this.#listener.failed(reason);
    }
  }

  async #connect({ hostname, port, path }: Target): Promise<void> {
    const startedAt = performance.now();
    const conn = await Deno.connect({ hostname, port });
    this.#conn = conn;
    conn.setNoDelay(true);
    await writeAll(
      conn,
      new TextEncoder().encode(
        `GET ${path}${this.#id} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n` +
          "Upgrade: websocket\r\nConnection: Upgrade\r\n" +
          `Sec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
      ),
    );
    let head: string | undefined;
    while (head === undefined) {
      const count = await conn.read(this.#reader.space());
      if (count === null) throw new Error("the gateway cut the connection before its answer");
      this.#reader.received(count);
      head = this.#reader.head();
    }
    if (!head.startsWith("HTTP/1.1 101 ") || !ACCEPT.test(head)) {
      throw new Error(`upgrade refused: ${head.slice(0, 60).split("\r")[0]}`);
    }
    this.isOpen = true;
    this.#listener.opened(this, performance.now() - startedAt);
  }

  /** @param intendedAt What its round trip counts from. */
  call(intendedAt: number): void {
    const id = ++this.#lastId;
    this.#outstanding.set(id, intendedAt);
    void this.#write(this.#frames.take(id), true);
  }

  #receive(): void {
    const { opcode, isFinal, bytes, payloadStart, payloadEnd } = this.#reader;
    if (opcode === TEXT && isFinal) return this.#receiveText(bytes, payloadStart, payloadEnd);
    if (opcode === PING) {
      return void this.#write(maskedFrame(PONG, bytes.subarray(payloadStart, payloadEnd)), false);
    }
    if (opcode === CLOSE) {
      const code = payloadEnd - payloadStart < 2
        ? "no code"
        : bytes[payloadStart]! * 256 + bytes[payloadStart + 1]!;
      throw new Error(`the gateway closed with ${code}`);
    }
    if (opcode !== PONG) this.#listener.bad();
  }

  #receiveText(bytes: Uint8Array, start: number, end: number): void {
    const answer = readAnswer(bytes, start, end);
    const intendedAt = answer === undefined ? undefined : this.#outstanding.get(answer.id);
    if (
      answer === undefined || intendedAt === undefined || (answer.type !== 3 && answer.type !== 4)
    ) {
      return this.#listener.bad();
    }
    this.#outstanding.delete(answer.id);
    const now = performance.now();
    this.#listener.answered(this, answer.type === 4, now - intendedAt, now);
  }

  /** Writes after what is being written. Never rejects: `run` sees the socket's end too. */
  async #write(frame: Uint8Array<ArrayBuffer>, isCall: boolean): Promise<void> {
    if (this.#isWriting) {
      (this.#waiting ??= []).push(frame);
      return;
    }
    this.#isWriting = true;
    try {
      await writeAll(this.#conn!, frame);
      if (isCall) this.#frames.give(frame);
      // Rare: only a gateway that stops reading gets here. These frames do not go back for reuse.
      while (this.#waiting !== null) {
        const waiting = this.#waiting;
        this.#waiting = null;
        for (const next of waiting) await writeAll(this.#conn!, next);
      }
    } catch {
      // See above.
    } finally {
      this.#isWriting = false;
    }
  }
}

async function writeAll(conn: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  let written = await conn.write(bytes);
  while (written < bytes.length) written += await conn.write(bytes.subarray(written));
}
