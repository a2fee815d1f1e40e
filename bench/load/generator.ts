/**
 * A process: some of the clients. Begins at a line on standard input, ends when that is closed.
 *
 * @module
 */

import { Client, type Listener, type Target } from "./client.ts";
import { CallFrames } from "./frame.ts";
import { Latencies } from "./histogram.ts";
import { lines, writeOut } from "./text.ts";
import { type FinalReport, type Line, noTotals, unanswered } from "./totals.ts";

/** One process's part of the load; the argument of this program, as JSON. */
export interface Part {
  readonly target: Target;
  /** Begins the ClientIds; differs between processes. */
  readonly prefix: string;
  readonly clients: number;
  /** The clients connect one by one within this time. */
  readonly rampMs: number;
  /** From the end of the ramp until no more CALLs are sent. */
  readonly durationMs: number;
  /** Between the CALLs of one client; null for the next CALL as soon as the answer is there. */
  readonly periodMs: number | null;
  readonly payloadBytes: number;
  /**
   * When given, `durationMs` begins this long after all clients have connected, or failed to, and
   * what came before is in the totals only.
   */
  readonly warmUpMs?: number;
}

/** How long clients may take to connect beyond the ramp, for a warm-up to begin. */
const CONNECT_MS = 30_000;
/** For answers under way when the sending stops. */
const LINGER_MS = 2000;
const MAX_REASONS = 5;
/** Half of what the progress shows, so that it is never old. */
const PROGRESS_MS = 500;
/** The shortest there is; in Deno 2.9.6 it takes about 2 ms, and CALLs leave that much late. */
const TICK_MS = 1;

/**
 * Drives clients.
 *
 * In the closed loop a round trip counts from the sending; in the open loop from when the CALL was
 * due, so that time for which a slow gateway (or this process) held it up is not left out. A client's
 * first CALL is due when its connection opens, the others a period apart.
 */
class Generator implements Listener {
  readonly #part: Part;
  readonly #totals = noTotals();
  readonly #connect = new Latencies();
  readonly #roundTrip = new Latencies();
  readonly #lateness = new Latencies();
  readonly #reasons: string[] = [];
  /** Open clients by their next due time: all periods are the same, so it is a ring in order. */
  readonly #due: Client[] = [];
  #dueHead = 0;
  #isSending = true;
  #isMeasuring: boolean;
  /** When the last client opened, or failed to, and the answers up to then. */
  #full: { readonly at: number; readonly answers: number } | null = null;

  constructor(part: Part) {
    this.#part = part;
    this.#isMeasuring = part.warmUpMs === undefined;
  }

  async run(): Promise<FinalReport> {
    const { clients, rampMs, durationMs, warmUpMs, target, prefix } = this.#part;
    const frames = new CallFrames(this.#part.payloadBytes);
    const startAt = performance.now();
    let endAt = startAt + rampMs + (this.#isMeasuring ? durationMs : CONNECT_MS);
    const progress = setInterval(
      () => say({ kind: "progress", totals: this.#totals }),
      PROGRESS_MS,
    );
    let started = 0;
    for (let now = startAt; now < endAt; now = performance.now()) {
      while (started < clients && now - startAt >= (started / clients) * rampMs) {
        void new Client(`${prefix}${started++}`, frames, this).run(target);
      }
      this.#sendDue(now);
      if (!this.#isMeasuring && this.#full !== null && now >= this.#full.at + warmUpMs!) {
        this.#isMeasuring = true;
        this.#full = { at: now, answers: this.#answers() };
        endAt = now + durationMs;
        say({ kind: "measuring", totals: this.#totals });
      }
      const isIdle = this.#part.periodMs === null && started === clients;
      await pause(isIdle ? Math.min(50, endAt - now) : TICK_MS);
    }
    this.#isSending = false;
    const seconds = this.#full === null ? 0 : (performance.now() - this.#full.at) / 1000;
    const answers = this.#answers() - (this.#full?.answers ?? 0);
    const patienceEndsAt = performance.now() + LINGER_MS;
    while (unanswered(this.#totals) > 0 && performance.now() < patienceEndsAt) await pause(10);
    clearInterval(progress);
    return {
      totals: this.#totals,
      answersPerSecond: seconds > 0 ? answers / seconds : 0,
      connect: this.#connect.encode(),
      roundTrip: this.#roundTrip.encode(),
      lateness: this.#lateness.encode(),
      reasons: this.#reasons,
    };
  }

  opened(client: Client, connectMs: number): void {
    this.#totals.open++;
    this.#totals.opened++;
    this.#connect.record(connectMs);
    if (!this.#isSending) return;
    const now = performance.now();
    // Whoever is due gets its next time first, so that the ring stays in order.
    this.#sendDue(now);
    this.#send(client, now);
    this.#schedule(client, now);
    this.#noteFull(now);
  }

  failed(reason: string): void {
    this.#totals.failed++;
    this.#note(reason);
    this.#noteFull(performance.now());
  }

  lost(_client: Client, reason: string): void {
    this.#totals.open--;
    this.#totals.lost++;
    this.#note(reason);
  }

  answered(client: Client, isError: boolean, roundTripMs: number, now: number): void {
    if (isError) this.#totals.errors++;
    else {
      this.#totals.answered++;
      if (this.#isMeasuring) this.#roundTrip.record(roundTripMs);
    }
    if (!this.#isSending) return;
    if (this.#part.periodMs === null) this.#send(client, now);
    // More often than the timer, which is slower than its millisecond.
    else this.#sendDue(now);
  }

  bad(): void {
    this.#totals.bad++;
  }

  #send(client: Client, intendedAt: number): void {
    this.#totals.sent++;
    client.call(intendedAt);
  }

  #schedule(client: Client, lastDueAt: number): void {
    if (this.#part.periodMs === null) return;
    client.dueAt = lastDueAt + this.#part.periodMs;
    this.#due.push(client);
  }

  #sendDue(now: number): void {
    const due = this.#due;
    while (this.#dueHead < due.length && due[this.#dueHead]!.dueAt <= now) {
      const client = due[this.#dueHead++]!;
      if (!client.isOpen) continue;
      if (this.#isMeasuring) this.#lateness.record(performance.now() - client.dueAt);
      this.#send(client, client.dueAt);
      this.#schedule(client, client.dueAt);
    }
    // Taking each from the front would move all the others.
    if (this.#dueHead > this.#part.clients) due.splice(0, this.#dueHead), this.#dueHead = 0;
  }

  #answers(): number {
    return this.#totals.answered + this.#totals.errors;
  }

  #noteFull(now: number): void {
    if (this.#totals.opened + this.#totals.failed < this.#part.clients) return;
    this.#full ??= { at: now, answers: this.#answers() };
  }

  #note(reason: string): void {
    if (this.#reasons.length < MAX_REASONS) this.#reasons.push(reason);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function say(line: Line): void {
  writeOut(`${JSON.stringify(line)}\n`);
}

if (import.meta.main) {
  const part: Part = JSON.parse(Deno.args[0]!);
  const generator = new Generator(part);
  say({ kind: "ready" });
  for await (const _go of lines(Deno.stdin.readable)) {
    // Not awaited: the end of standard input ends it at any time.
    void generator.run().then((report) => say({ kind: "final", report }));
  }
  Deno.exit(0);
}
