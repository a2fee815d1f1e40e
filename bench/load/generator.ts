/**
 * A process: some of the clients, thousands of them at the least cost. Does what lines on standard
 * input say (`Order`), tells what it does in lines on standard output (`Line`), and ends when its
 * standard input is closed. Its argument is a `Part` as JSON. Needs `--allow-ffi`.
 *
 * One thread without promises, timers or an object for each client: a wheel of time slots says who
 * is due, one buffer takes what comes, one frame goes out again and again.
 *
 * @module
 */

import { writeOut } from "../process/text.ts";
import { Calls } from "./calls.ts";
import { Connects } from "./connects.ts";
import {
  CallFrame,
  CLOSE,
  FrameReader,
  maskedFrame,
  PING,
  PONG,
  readAnswer,
  resultOf,
  TEXT,
} from "./frame.ts";
import { addressOf, BROKEN, READABLE, Sockets, WRITABLE } from "./libc.ts";
import type { Line, Order, Part } from "./part.ts";
import { Streams } from "./streams.ts";
import { Tally, unanswered } from "./tally.ts";
import { readUpgrade, upgradeRequest } from "./upgrade.ts";
import { Wheel } from "./wheel.ts";

const STDIN = 0;
/** So many connects at most between two looks at what came. */
const MAX_CONNECTS = 50;
/** Clients with one address of their own: well inside the ports that an address has. */
const CLIENTS_PER_SOURCE = 5000;
const PROGRESS_MS = 500;
/** The longest wait for anything. */
const IDLE_MS = 1000;
/** For answers under way when the sending stops. */
const GRACE_MS = 10_000;
/** File numbers are less than this. */
const MAX_FILES = 65_536;

/** States of a client; before its connect and between two tries it has none, 0. */
const CONNECTING = 1;
const OPEN = 2;
const GONE = 3;

/**
 * Drives clients.
 *
 * With a period, the intended times of a client's CALLs are that far apart, from a first one at random
 * within the period after its connect; round trips count from there, so that time for which a slow
 * gateway (or this process) held them up is not left out. Without, a client sends its next CALL when
 * the answer is there, and its round trips count from the sending; with tries, from the first of them.
 *
 * CALLs from the gateway are answered at once.
 */
class Generator {
  readonly #part: Part;
  readonly #tally = new Tally();
  readonly #sockets = new Sockets();
  readonly #streams = new Streams(this.#sockets);
  readonly #frames = new FrameReader();
  readonly #callFrame: CallFrame;
  readonly #clientOf = new Int32Array(MAX_FILES).fill(-1);
  readonly #fdOf: Int32Array;
  readonly #state: Uint8Array;
  /** Since when it connects; with tries, since the first of them. */
  readonly #connectAt: Float64Array;
  readonly #calls: Calls;
  #connects: Connects | null = null;
  #wheel: Wheel | null = null;
  #isSending = true;
  #stoppedAt = Infinity;
  #patienceEndsAt = Infinity;
  /** Infinity when all has been told. */
  #progressAt = 0;

  constructor(part: Part) {
    const { clients } = part;
    this.#part = part;
    this.#callFrame = new CallFrame(part.payloadBytes ?? 0);
    this.#fdOf = new Int32Array(clients).fill(-1);
    this.#state = new Uint8Array(clients);
    this.#connectAt = new Float64Array(clients);
    this.#calls = new Calls(clients, part.periodMs ?? 0);
  }

  /** Ends with standard input. */
  run(): void {
    this.#sockets.watch(STDIN, READABLE);
    say({ kind: "ready" });
    while (true) {
      const now = performance.now();
      if (this.#isSending) {
        this.#connectDue(now);
        this.#sendDue(now);
      }
      this.#tell(now);
      const count = this.#sockets.wait(Math.max(0, this.#nextAt() - performance.now()));
      for (let i = 0; i < count; i++) {
        const fd = this.#sockets.fdAt(i);
        if (fd !== STDIN) this.#handle(fd, this.#sockets.eventsAt(i));
        else if (!this.#obey()) return;
      }
    }
  }

  /** When there is something to do if nothing comes. */
  #nextAt(): number {
    const told = Math.min(performance.now() + IDLE_MS, this.#progressAt, this.#patienceEndsAt);
    if (this.#connects === null || !this.#isSending) return told;
    const dueAt = (this.#wheel?.nextAt() ?? Infinity) + (this.#part.gatherMs ?? 0);
    return Math.min(told, this.#connects.nextAt(), dueAt);
  }

  /** @returns False at the end of standard input. */
  #obey(): boolean {
    const bytes = new Uint8Array(256);
    const count = this.#sockets.read(STDIN, bytes);
    if (count === 0) return false;
    const orders = new TextDecoder().decode(bytes.subarray(0, Math.max(0, count))).split("\n");
    const now = performance.now();
    const { clients, periodMs } = this.#part;
    for (const order of orders as (Order | "")[]) {
      if (order === "go") {
        this.#connects = new Connects(this.#part, now);
        if (periodMs !== null) this.#wheel = new Wheel(clients, periodMs, now);
      } else if (order === "measure") this.#tally.measure(now);
      else if (order === "stop") {
        this.#isSending = false;
        this.#tally.stop(now);
        this.#stoppedAt = now;
        this.#patienceEndsAt = now + GRACE_MS;
      }
    }
    return true;
  }

  #connectDue(now: number): void {
    for (let i = 0; i < MAX_CONNECTS; i++) {
      const client = this.#connects?.next(now) ?? -1;
      if (client === -1) return;
      // Whoever tries again has a time already.
      if (this.#connectAt[client] === 0) this.#connectAt[client] = performance.now();
      this.#connect(client);
    }
  }

  #connect(client: number): void {
    const { target, prefix } = this.#part;
    const source = `127.0.${1 + Deno.pid % 250}.${1 + Math.floor(client / CLIENTS_PER_SOURCE)}`;
    this.#state[client] = CONNECTING;
    let fd;
    try {
      fd = this.#sockets.connect(addressOf(source, 0), addressOf(target.hostname, target.port));
    } catch (error) {
      return this.#end(client, reasonOf(error));
    }
    this.#fdOf[client] = fd;
    this.#clientOf[fd] = client;
    this.#sockets.watch(fd, READABLE);
    // On this machine a connect is mostly over at once; if not, the request waits for it.
    this.#streams.write(fd, upgradeRequest(target, `${prefix}${client}`));
  }

  #handle(fd: number, events: number): void {
    const client = this.#clientOf[fd]!;
    // Closed by what came before in the same batch.
    if (client === -1) return;
    if ((events & (WRITABLE | BROKEN)) === WRITABLE) this.#streams.flush(fd);
    if ((events & (READABLE | BROKEN)) === 0) return;
    const end = this.#streams.read(fd);
    if (end > 0) this.#take(client, fd, end);
    else if (end === 0 || (events & BROKEN) !== 0) {
      const isOpen = this.#state[client] === OPEN;
      this.#end(client, isOpen ? "the gateway cut the connection" : "refused, or cut before 101");
    }
  }

  #take(client: number, fd: number, end: number): void {
    let start = 0;
    if (this.#state[client] === CONNECTING) start = this.#upgrade(client, end);
    while (this.#state[client] === OPEN && this.#frames.next(this.#streams.bytes, start, end)) {
      start = this.#frames.payloadEnd;
      this.#receive(client, this.#frames);
    }
    if (this.#fdOf[client] === fd) this.#streams.keep(fd, start, end);
  }

  /** @returns Where the response ends: then it is open, or gone. 0 while it is incomplete. */
  #upgrade(client: number, end: number): number {
    let headEnd;
    try {
      headEnd = readUpgrade(this.#streams.bytes.subarray(0, end));
    } catch (error) {
      this.#end(client, reasonOf(error));
      return end;
    }
    if (headEnd === 0) return 0;
    const now = performance.now();
    this.#state[client] = OPEN;
    this.#tally.opened(now - this.#connectAt[client]!);
    this.#calls.abandon(client);
    if (this.#wheel !== null) this.#calls.begin(client, this.#wheel.enter(client));
    else if (this.#isSending && this.#part.maxCalls !== 0) {
      this.#call(client, this.#part.retryMs === undefined ? now : this.#connectAt[client]!);
    }
    return headEnd;
  }

  #receive(client: number, { opcode, isFinal, payloadStart, payloadEnd }: FrameReader): void {
    const { bytes } = this.#streams;
    const payload = () => bytes.subarray(payloadStart, payloadEnd);
    if (opcode === TEXT && isFinal) {
      const answer = readAnswer(bytes, payloadStart, payloadEnd);
      if (answer !== undefined && answer.type !== 2) {
        return this.#answer(client, answer.type, answer.id);
      }
      const result = resultOf(payload());
      if (result === undefined) this.#tally.totals.bad++;
      else this.#streams.write(this.#fdOf[client]!, result);
    } else if (opcode === PING) {
      this.#streams.write(this.#fdOf[client]!, maskedFrame(PONG, payload()));
    } else if (opcode === CLOSE) {
      const [high, low] = payload();
      const code = low === undefined ? "no code" : high! * 256 + low;
      this.#end(client, `the gateway closed with ${code}`);
    } else if (opcode !== PONG) this.#tally.totals.bad++;
  }

  #answer(client: number, type: number, id: number): void {
    const intendedAt = type < 3 || type > 4 ? undefined : this.#calls.answer(client, id);
    if (intendedAt === undefined) return void this.#tally.totals.bad++;
    const now = performance.now();
    this.#tally.answered(type === 4, intendedAt, now);
    if (this.#wheel !== null || !this.#isSending || this.#part.maxCalls === 1) return;
    this.#call(client, now);
  }

  #sendDue(now: number): void {
    if (this.#wheel === null) return;
    for (let client; (client = this.#wheel.next(now)) !== -1;) {
      const isOpen = this.#state[client] === OPEN;
      if (!isOpen && !this.#part.countsUnanswered) continue;
      const dueAt = this.#calls.dueAt(client);
      this.#tally.due(dueAt, performance.now());
      if (isOpen) this.#call(client, dueAt);
      else this.#miss(client, dueAt);
    }
  }

  /** A CALL that would have been sent, if the client had not been cut. */
  #miss(client: number, intendedAt: number): void {
    this.#calls.begin(client, intendedAt);
    this.#tally.totals.sent++;
    this.#calls.send(client);
  }

  #call(client: number, intendedAt: number): void {
    this.#calls.begin(client, intendedAt);
    this.#tally.totals.sent++;
    this.#streams.write(this.#fdOf[client]!, this.#callFrame.of(this.#calls.send(client)));
  }

  /** A connection is over; with tries its client comes again. */
  #end(client: number, reason: string): void {
    const { retryMs } = this.#part;
    const wasOpen = this.#state[client] === OPEN;
    this.#tally.ended(wasOpen, reason);
    this.#state[client] = GONE;
    const fd = this.#fdOf[client]!;
    if (fd !== -1) {
      this.#fdOf[client] = -1;
      this.#clientOf[fd] = -1;
      this.#streams.close(fd);
    }
    if (retryMs === undefined || !this.#isSending) return;
    const now = performance.now();
    if (wasOpen) this.#connectAt[client] = now;
    this.#connects!.retry(client, now + retryMs * (0.5 + Math.random()));
  }

  /** Whether anything is outstanding that may still be answered. */
  #isHopeful(): boolean {
    if (unanswered(this.#tally.totals) === 0) return false;
    if (!this.#part.countsUnanswered) return true;
    const waits = (state: number, client: number): boolean =>
      state === OPEN && this.#calls.outstanding(client).length > 0;
    return this.#state.some(waits);
  }

  /** Whoever is still connected has waited until now, the others as long as they would have sent. */
  #countUnanswered(now: number): void {
    this.#state.forEach((state, client) => {
      const endAt = state === OPEN ? now : this.#stoppedAt;
      for (const at of this.#calls.outstanding(client)) this.#tally.unanswered(at, endAt);
    });
  }

  /** Progress, and the report when all is answered that will be. */
  #tell(now: number): void {
    const { totals } = this.#tally;
    if (this.#progressAt === Infinity) return;
    if (!this.#isSending && (!this.#isHopeful() || now >= this.#patienceEndsAt)) {
      this.#progressAt = this.#patienceEndsAt = Infinity;
      if (this.#part.countsUnanswered) this.#countUnanswered(now);
      // The clients stay, for as long as whoever started this has a look at the gateway.
      return say({ kind: "final", report: this.#tally.report() });
    }
    if (now < this.#progressAt) return;
    this.#progressAt = now + PROGRESS_MS;
    say({ kind: "progress", totals });
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function say(line: Line): void {
  writeOut(`${JSON.stringify(line)}\n`);
}

new Generator(JSON.parse(Deno.args[0]!)).run();
