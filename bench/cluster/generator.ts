/**
 * A process: some of the clients, thousands of them at the least cost. Does what lines on standard
 * input say (`Order`), tells what it does in lines on standard output (`Line` of bench/load), and
 * ends when its standard input is closed. Needs `--allow-ffi`.
 *
 * One thread without promises, timers or an object for each client: a wheel of time slots says who
 * is due, one buffer takes what comes, one frame goes out again and again.
 *
 * @module
 */

import {
  CallFrames,
  CLOSE,
  FrameReader,
  maskedFrame,
  PING,
  PONG,
  readAnswer,
  TEXT,
} from "../load/frame.ts";
import { writeOut } from "../load/text.ts";
import { type Line, unanswered } from "../load/totals.ts";
import { type Address, addressOf, BROKEN, openSockets, READABLE, WRITABLE } from "./libc.ts";
import type { Order, Share } from "./share.ts";
import { Tally } from "./tally.ts";
import { Wheel } from "./wheel.ts";

const STDIN = 0;
const BUFFER_BYTES = 64 * 1024;
/** RFC 6455 §1.3: its example key and the accept value that belongs to it. */
const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT = /^sec-websocket-accept: *s3pPLMBiTxaQ9kYGzzhZRbK\+xOo= *\r$/im;
/** The longest wait for events: so late a CALL may leave at the most when nothing else happens. */
const TICK_MS = 2;
/** So many connects at most between two looks at what came. */
const MAX_CONNECTS = 50;
const PROGRESS_MS = 500;
/** File numbers are less than this. */
const MAX_FILES = 65_536;

/** States of a client; before its connect it has none, 0. */
const CONNECTING = 1;
const OPEN = 2;
const GONE = 3;

/**
 * Drives clients.
 *
 * The intended times of a client's CALLs are a period apart, from a first one at random within the
 * period after its connect; round trips count from there, so that time for which a slow gateway (or
 * this process) held them up is not left out. Without a period a client sends its next CALL when the
 * answer is there, and its round trips count from the sending.
 *
 * A gateway answers one client's CALLs in order: any other MessageId than the next one is bad.
 */
class Generator {
  readonly #share: Share;
  readonly #addresses: readonly Address[];
  readonly #tally = new Tally();
  readonly #sockets;
  readonly #poll;
  readonly #wheel: Wheel | null;
  readonly #frames = new CallFrames(0);
  readonly #clientOf = new Int32Array(MAX_FILES).fill(-1);
  readonly #fdOf: Int32Array;
  readonly #state: Uint8Array;
  /** When its connect began; when it is open, when its first CALL was due or its last one sent. */
  readonly #since: Float64Array;
  readonly #sent: Uint32Array;
  readonly #answered: Uint32Array;
  /** Takes what comes for any client; a client with half a frame keeps it for itself. */
  #reader = new FrameReader(new Uint8Array(BUFFER_BYTES));
  readonly #readers = new Map<number, FrameReader>();
  #started = 0;
  #startAt = -1;
  #isSending = true;
  #patienceEndsAt = -1;
  #progressAt = 0;

  constructor(share: Share) {
    this.#share = share;
    const { clients, periodMs } = share;
    this.#addresses = share.hostnames.map((hostname) => addressOf(hostname, share.port));
    const { sockets, poll } = openSockets();
    this.#sockets = sockets;
    this.#poll = poll;
    this.#wheel = periodMs === null ? null : new Wheel(clients, periodMs);
    this.#fdOf = new Int32Array(clients).fill(-1);
    this.#state = new Uint8Array(clients);
    this.#since = new Float64Array(clients);
    this.#sent = new Uint32Array(clients);
    this.#answered = new Uint32Array(clients);
  }

  /** Ends with standard input. */
  run(): void {
    this.#poll.add(STDIN, READABLE);
    say({ kind: "ready" });
    while (true) {
      const now = performance.now();
      if (this.#startAt >= 0) {
        this.#connectDue(now);
        this.#sendDue(now);
        this.#tell(now);
      }
      const count = this.#poll.wait(TICK_MS);
      for (let i = 0; i < count; i++) {
        const fd = this.#poll.fdAt(i);
        if (fd !== STDIN) this.#handle(fd, this.#poll.eventsAt(i));
        else if (!this.#obey()) return;
      }
    }
  }

  /** @returns False at the end of standard input. */
  #obey(): boolean {
    const bytes = new Uint8Array(256);
    const count = this.#sockets.read(STDIN, bytes);
    if (count === 0) return false;
    const orders = new TextDecoder().decode(bytes.subarray(0, Math.max(0, count))).split("\n");
    const now = performance.now();
    for (const order of orders as (Order | "")[]) {
      if (order === "go") {
        this.#startAt = now;
        this.#wheel?.start(now);
      } else if (order === "measure") {
        this.#tally.measure(now);
        say({ kind: "measuring", totals: this.#tally.totals });
      } else if (order === "stop") {
        this.#isSending = false;
        this.#tally.stop(now);
        this.#patienceEndsAt = now + this.#share.graceMs;
      }
    }
    return true;
  }

  #connectDue(now: number): void {
    const { clients, rampMs } = this.#share;
    if (this.#started === clients || !this.#isSending) return;
    const due = Math.min(clients, Math.ceil(((now - this.#startAt) / rampMs) * clients));
    const last = Math.min(due, this.#started + MAX_CONNECTS);
    while (this.#started < last) this.#connectOne(this.#started++);
  }

  #connectOne(client: number): void {
    this.#since[client] = performance.now();
    let fd;
    try {
      fd = this.#sockets.connect(this.#addresses[client % this.#addresses.length]!);
    } catch (error) {
      return this.#end(client, error instanceof Error ? error.message : String(error));
    }
    this.#fdOf[client] = fd;
    this.#clientOf[fd] = client;
    this.#state[client] = CONNECTING;
    // On this machine a connect is mostly over at once; if not, it is waited for.
    if (this.#ask(client)) this.#poll.add(fd, READABLE);
    else this.#poll.add(fd, READABLE | WRITABLE);
  }

  /** @returns Whether the request for an upgrade went out. */
  #ask(client: number): boolean {
    const { prefix, port, hostnames } = this.#share;
    return this.#sockets.write(
      this.#fdOf[client]!,
      new TextEncoder().encode(
        `GET /${prefix}${client} HTTP/1.1\r\nHost: ${hostnames[0]}:${port}\r\n` +
          "Upgrade: websocket\r\nConnection: Upgrade\r\n" +
          `Sec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
      ),
    );
  }

  #handle(fd: number, events: number): void {
    const client = this.#clientOf[fd]!;
    // Closed by what came before in the same batch.
    if (client === -1) return;
    if ((events & WRITABLE) !== 0) {
      if ((events & BROKEN) === 0 && !this.#ask(client)) {
        return this.#end(client, "cannot be written");
      }
      this.#poll.change(fd, READABLE);
    }
    if ((events & (READABLE | BROKEN)) !== 0) this.#read(client, fd);
  }

  #read(client: number, fd: number): void {
    const reader = this.#readers.size === 0
      ? this.#reader
      : this.#readers.get(client) ?? this.#reader;
    const count = this.#sockets.read(fd, reader.space());
    if (count === 0) return this.#end(client, "the gateway cut the connection");
    if (count < 0) {
      if (this.#state[client] === CONNECTING) {
        this.#end(client, "the connection was refused or cut");
      }
      return;
    }
    reader.received(count);
    if (this.#state[client] === CONNECTING && !this.#upgrade(client, reader)) {
      return this.#keep(client, reader);
    }
    while (this.#state[client] === OPEN && reader.next()) this.#receive(client, reader);
    this.#keep(client, reader);
  }

  /** Half a frame stays with its client; the others get another reader. */
  #keep(client: number, reader: FrameReader): void {
    const hasRest = reader.pendingBytes > 0 && this.#state[client] !== GONE;
    if (reader !== this.#reader) {
      if (!hasRest) this.#readers.delete(client);
    } else if (reader.pendingBytes > 0) {
      if (hasRest) this.#readers.set(client, reader);
      this.#reader = new FrameReader(new Uint8Array(BUFFER_BYTES));
    }
  }

  /** @returns Whether it is open; it stays as it is while the response is incomplete. */
  #upgrade(client: number, reader: FrameReader): boolean {
    const head = reader.head();
    if (head === undefined) return false;
    if (!head.startsWith("HTTP/1.1 101 ") || !ACCEPT.test(head)) {
      this.#end(client, `upgrade refused: ${head.slice(0, 60).split("\r")[0]}`);
      return false;
    }
    const now = performance.now();
    this.#state[client] = OPEN;
    this.#tally.opened(now - this.#since[client]!);
    if (this.#wheel !== null) this.#since[client] = this.#wheel.enter(client);
    else if (this.#isSending) this.#call(client, now);
    return true;
  }

  #receive(client: number, reader: FrameReader): void {
    const { opcode, isFinal, bytes, payloadStart, payloadEnd } = reader;
    if (opcode === TEXT && isFinal) {
      const answer = readAnswer(bytes, payloadStart, payloadEnd);
      if (answer === undefined) this.#tally.totals.bad++;
      else this.#answer(client, answer.type, answer.id);
    } else if (opcode === PING) {
      const pong = maskedFrame(PONG, bytes.subarray(payloadStart, payloadEnd));
      this.#sockets.write(this.#fdOf[client]!, pong);
    } else if (opcode === CLOSE) {
      const code = payloadEnd - payloadStart < 2
        ? "no code"
        : bytes[payloadStart]! * 256 + bytes[payloadStart + 1]!;
      this.#end(client, `the gateway closed with ${code}`);
    } else if (opcode !== PONG) this.#tally.totals.bad++;
  }

  #answer(client: number, type: number, id: number): void {
    if (id !== this.#answered[client]! + 1 || id > this.#sent[client]! || type < 3 || type > 4) {
      this.#tally.totals.bad++;
      return;
    }
    this.#answered[client] = id;
    const now = performance.now();
    this.#tally.answered(type === 4, this.#intendedAt(client, id), now);
    if (this.#wheel === null && this.#isSending) this.#call(client, now);
  }

  #intendedAt(client: number, id: number): number {
    return this.#since[client]! + (id - 1) * (this.#share.periodMs ?? 0);
  }

  #sendDue(now: number): void {
    if (this.#wheel === null || !this.#isSending) return;
    while (true) {
      const client = this.#wheel.next(now);
      if (client === -1) return;
      if (this.#state[client] !== OPEN) continue;
      const id = this.#sent[client]! + 1;
      this.#tally.due(this.#intendedAt(client, id), performance.now());
      this.#call(client, 0);
    }
  }

  #call(client: number, now: number): void {
    if (this.#wheel === null) this.#since[client] = now;
    const id = ++this.#sent[client]!;
    this.#tally.totals.sent++;
    const frame = this.#frames.take(id);
    const isSent = this.#sockets.write(this.#fdOf[client]!, frame);
    this.#frames.give(frame);
    if (!isSent) this.#end(client, "a CALL could not be written");
  }

  /** It is over with a client: failed or lost, as it was not open or was. */
  #end(client: number, reason: string): void {
    if (this.#state[client] === GONE) return;
    this.#tally.ended(this.#state[client] === OPEN, reason);
    this.#state[client] = GONE;
    const fd = this.#fdOf[client]!;
    if (fd === -1) return;
    this.#clientOf[fd] = -1;
    this.#readers.delete(client);
    this.#sockets.close(fd);
  }

  /** Progress, and the report when all is answered that will be. */
  #tell(now: number): void {
    const { totals } = this.#tally;
    const isWaited = this.#patienceEndsAt >= 0;
    if (isWaited && (unanswered(totals) === 0 || now >= this.#patienceEndsAt)) {
      this.#patienceEndsAt = -1;
      this.#progressAt = Infinity;
      // The clients stay, for as long as whoever started this has a look at the gateway.
      return say({ kind: "final", report: this.#tally.report() });
    }
    if (now < this.#progressAt) return;
    this.#progressAt = now + PROGRESS_MS;
    say({ kind: "progress", totals });
  }
}

function say(line: Line): void {
  writeOut(`${JSON.stringify(line)}\n`);
}

new Generator(JSON.parse(Deno.args[0]!)).run();
