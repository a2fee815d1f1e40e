/**
 * The ledger of one process: a connection to the simulated streams.
 *
 * What is sent over one connection arrives in order. Faults: what is written gets lost, or its answer does,
 * so that nobody knows whether it was written; the connection stands still for longer than an answer is
 * waited for, and what was given up arrives all the same; it breaks, or hangs until the process gives it
 * up and connects again, and then what was under way on the older one may still arrive, behind what came by
 * the newer one; what owners say is not heard. A dead process does nothing, and one that stands still is
 * told when it goes on.
 *
 * @module
 */

import type { Clock } from "../../lib/clock.ts";
import type {
  Ledger,
  LedgerFollower,
  LedgerStream,
  Message,
  Put,
} from "../../lib/outbox/jetstream/ledger.ts";
import { ANSWER_MS } from "../../lib/outbox/jetstream/times.ts";
import type { SimulatedJetStream, SimulatedStream } from "./jetstream.ts";
import type { Life } from "./life.ts";
import { Pipe } from "./weather.ts";

/** The library takes a server that does not answer its pings for lost. */
const GIVEN_UP_MS = 3000;
/** What it waits before it connects again, beside the jitter. */
const RECONNECT_MS = 500;
/** Messages that come at once, at most. */
const MAX_PART = 4;

/** One connection. */
interface Session {
  readonly up: Pipe;
  readonly down: Pipe;
}

/** Owns the connection of one process, and who waits for its answers. */
export class SimulatedLedger implements Ledger {
  readonly entries: LedgerStream;
  readonly owners: LedgerStream;
  readonly life: Life;
  readonly #jetStream: SimulatedJetStream;
  readonly #clock: Clock;
  #session: Session | null = null;
  #follower: LedgerFollower | undefined;
  #isUp = false;
  #wasUp = false;
  #isClosed = false;

  constructor(jetStream: SimulatedJetStream, life: Life, clock: Clock) {
    this.#jetStream = jetStream;
    this.life = life;
    this.#clock = clock;
    this.entries = new StreamOfProcess(jetStream.entries, this);
    this.owners = new StreamOfProcess(jetStream.owners, this);
    jetStream.listen(this);
    this.#connect(jetStream.deps.weather.delayMs());
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  get clientIp(): string | undefined {
    return this.#wasUp ? "127.0.0.1" : undefined;
  }

  get deps(): SimulatedJetStream["deps"] {
    return this.#jetStream.deps;
  }

  follow(follower: LedgerFollower): void {
    this.#follower = follower;
    if (this.#isUp) follower.up();
  }

  close(_timeoutMs: number): Promise<void> {
    this.#isClosed = true;
    this.#isUp = false;
    this.#jetStream.forget(this);
    const session = this.#session;
    this.#session = null;
    // What was sent before it arrives.
    if (session !== null && this.life.acts("a farewell to JetStream")) {
      session.up.push(() => session.down.cut());
    }
    return Promise.resolve();
  }

  /**
   * Asks the servers something.
   *
   * @param ask Runs there; what it gives to `answer` comes back.
   * @returns Undefined without an answer in time.
   */
  ask<T>(what: string, ask: (answer: (result: T) => void) => void): Promise<T | undefined> {
    const { weather, chance, timeline } = this.deps;
    return new Promise((resolve) => {
      const timer = this.#clock.setTimeout(() => resolve(undefined), ANSWER_MS);
      const session = this.#session;
      // While it is not connected nothing leaves.
      if (session === null || !this.life.acts(what)) return;
      if (weather.happens("stall")) {
        session.up.hold();
        timeline.after(chance.between(ANSWER_MS / 2, 2 * ANSWER_MS), () => session.up.release());
      }
      const isLost = weather.happens("lostWrite");
      const isUnanswered = weather.happens("lostAnswer");
      session.up.push(() => {
        if (isLost) return;
        ask((result) => {
          if (isUnanswered) return;
          session.down.push(() =>
            this.life.deliver(() => {
              if (this.#session !== session) return;
              this.#clock.clearTimeout(timer);
              resolve(result);
            })
          );
        });
      });
    });
  }

  // What happens to it.

  ownerSaid(subject: string, text: string): void {
    const session = this.#session;
    if (session === null || this.deps.weather.happens("unheard")) return;
    session.down.push(() =>
      this.life.deliver(() => {
        if (this.#session === session) this.#follower?.ownerSaid(subject, text);
      })
    );
  }

  /** It breaks, and both ends know. Connects again after so long, if NATS is there. */
  breaks(ms: number): void {
    const session = this.#session;
    if (session === null) return;
    session.up.cut();
    session.down.cut();
    this.#lost(ms);
  }

  /** Nothing gets through for so long, and nobody hears of it. */
  hangs(ms: number): void {
    const session = this.#session;
    if (session === null) return;
    const { timeline, chance } = this.deps;
    session.up.hold();
    session.down.hold();
    if (ms < GIVEN_UP_MS) {
      timeline.after(ms, () => {
        session.up.release();
        session.down.release();
      });
      return;
    }
    // The machine goes on sending what a connection has that its process left.
    const isSent = chance.happens(0.5);
    timeline.after(ms + chance.between(0, 1000), () => {
      if (isSent) session.up.release();
      else session.up.cut();
    });
    timeline.after(GIVEN_UP_MS, () => {
      if (this.#session === session) this.#lost(ms - GIVEN_UP_MS);
    });
  }

  /** The process is no more. What left it arrives, or not. */
  died(): void {
    this.#isClosed = true;
    this.#isUp = false;
    this.#jetStream.forget(this);
    const session = this.#session;
    this.#session = null;
    session?.down.cut();
    if (this.deps.chance.happens(0.5)) session?.up.cut();
  }

  #lost(ms: number): void {
    this.#session = null;
    this.life.deliver(() => {
      this.#isUp = false;
      this.#connect(ms + RECONNECT_MS);
    });
  }

  #connect(ms: number): void {
    const { timeline, weather, chance } = this.deps;
    const jitter = weather.isCalm ? 0 : chance.between(0, RECONNECT_MS);
    timeline.after(ms + jitter, () =>
      this.life.deliver(() => {
        if (this.#isClosed) return;
        const { isAway, entries, owners } = this.#jetStream;
        // Whether the streams are as they should be is asked before they are used.
        const isReady = !isAway && (this.#wasUp || (entries.hasLeader && owners.hasLeader));
        if (!isReady) return this.#connect(RECONNECT_MS);
        this.#session = { up: new Pipe(timeline, weather), down: new Pipe(timeline, weather) };
        this.#isUp = true;
        this.#wasUp = true;
        this.deps.note(`${this.life.name} can use the ledger`);
        this.#follower?.up();
      }));
  }
}

/** One of the streams, by the connection of one process. */
class StreamOfProcess implements LedgerStream {
  readonly #stream: SimulatedStream;
  readonly #ledger: SimulatedLedger;

  constructor(stream: SimulatedStream, ledger: SimulatedLedger) {
    this.#stream = stream;
    this.#ledger = ledger;
  }

  async put(subject: string, text: string, last: number): Promise<Put> {
    const { life } = this.#ledger;
    const put = await this.#ledger.ask<Put>("a write to the ledger", (answer) => {
      this.#stream.put(life, subject, text, last, answer);
    });
    return put ?? { kind: "unknown" };
  }

  async remove(seq: number): Promise<"removed" | "absent" | "unknown"> {
    const { life } = this.#ledger;
    const removed = await this.#ledger.ask<"removed" | "absent">("a removal", (answer) => {
      this.#stream.remove(life, seq, answer);
    });
    return removed ?? "unknown";
  }

  last(subject: string): Promise<Message | null | undefined> {
    return this.#ledger.ask<Message | null>("a look at a subject", (answer) => {
      answer(this.#stream.lastOf(subject));
    });
  }

  async read(
    filter: string,
    take: (messages: readonly Message[]) => Promise<void>,
  ): Promise<boolean> {
    const { chance } = this.#ledger.deps;
    const seqs = await this.#ledger.ask<number[]>("the beginning of a read", (answer) => {
      if (this.#stream.hasLeader) answer(this.#stream.matching(filter));
    });
    if (seqs === undefined) return false;
    for (let i = 0; i < seqs.length;) {
      const end = i + 1 + chance.below(MAX_PART);
      const part = await this.#ledger.ask<Message[]>("more of a read", (answer) => {
        // What was written over since comes no more.
        answer(seqs.slice(i, end).flatMap((seq) => this.#stream.at(seq) ?? []));
      });
      if (part === undefined) return false;
      if (part.length > 0) await take(part);
      i = end;
    }
    return true;
  }
}
