/**
 * The ledger in JetStream.
 *
 * @module
 */

import { jetstream } from "@nats-io/jetstream";
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { type Clock, type Timer, within } from "../../clock.ts";
import type { Log } from "../../log/log.ts";
import { Cell } from "../../metrics/tally.ts";
import { Link } from "../../nats/link.ts";
import { CONNECT_AGAIN_MS } from "../../nats/times.ts";
import { isOfStream, type Refusal } from "./fault.ts";
import type { Ledger, LedgerFollower, LedgerStream } from "./ledger.ts";
import { LinkLog } from "./link_log.ts";
import { Questions } from "./questions.ts";
import { ownersSubjects, trialSubjects, tryRights } from "./rights.ts";
import { type Api, IMPOSSIBLE, JetStreamStream } from "./stream.ts";
import { makeStreams, REPLICAS, type Streams, type StreamsOptions } from "./streams.ts";
import { streamNames } from "./subject.ts";
import { ANSWER_MS } from "./times.ts";

export interface LedgerOptions extends StreamsOptions {
  /** Makes one try to connect, as `connectNats` does; rejects when it fails. */
  readonly connect: () => Promise<NatsConnection>;
  readonly clock: Clock;
  readonly log: Log;
}

/** A ledger that may be up later only, or one line that says why there will be none. */
export type OpenedLedger =
  | { readonly ok: true; readonly ledger: Ledger }
  | { readonly ok: false; readonly reason: string };

/** How long an opening waits for NATS. */
const OPEN_MS = 3000;

/**
 * Opens the ledger. When NATS is away, or JetStream does not answer yet, it is tried again for ever.
 * Resolves within some 3 s.
 */
export async function openLedger(options: LedgerOptions): Promise<OpenedLedger> {
  const ledger = new JetStreamLedger(options);
  const reason = await ledger.open();
  if (reason === undefined) return { ok: true, ledger };
  await ledger.close(ANSWER_MS);
  return { ok: false, reason };
}

/** Why it cannot be used. */
type Fault = Pick<Refusal, "kind" | "reason">;

/**
 * Owns the outbox's connection to NATS, and whether the streams can be used.
 *
 * Always true: what is up has seen both streams, on this connection, after it came up for the last time.
 */
class JetStreamLedger implements Ledger {
  readonly entries: LedgerStream;
  readonly owners: LedgerStream;
  readonly #options: LedgerOptions;
  readonly #link: Link;
  readonly #questions: Questions;
  #follower: LedgerFollower | undefined;
  #api: Api | undefined;
  /** Both streams were seen. */
  #isSeen = false;
  /** Raised with each reason to look at the streams anew: what looks under an older one stops. */
  #look = 0;
  #timer: Timer | undefined;
  /** The rights have been tried out on this connection. */
  #isTried = false;
  #isClosed = false;
  /** What was said of this outage. */
  readonly #told = new Set<string>();
  #downSince: number | undefined;
  /** When the stream of what is owed was made that was seen last. */
  #created: string | undefined;
  #hasWarned = false;
  /** The first contact; then nothing is said, but handed over. */
  #opening:
    | { fault: Fault | undefined; readonly end: (reason: string | undefined) => void }
    | null = null;

  constructor(options: LedgerOptions) {
    this.#options = options;
    const { connect, clock, log, prefix } = options;
    this.#link = new Link({
      connect,
      clock,
      log: new LinkLog(log, ({ reason, isDefinite }) => {
        this.#fault({ kind: isDefinite ? "definite" : "passing", reason });
      }),
      // The gateway's own connection is counted.
      metrics: {
        natsConnected: new Cell(),
        natsReconnects: new Cell(),
        natsRequestsFailed: new Cell(),
      },
      onNew: () => this.#begin(),
      onUp: () => this.#see(),
      onGone: () => this.#gone(),
    });
    this.#questions = new Questions(this.#link, prefix, clock);
    const streams = streamNames(prefix);
    const deps = {
      questions: this.#questions,
      clock,
      log,
      api: () => this.isUp ? this.#api : undefined,
      onNobody: () => this.#miss(),
    };
    this.entries = new JetStreamStream({ ...deps, name: streams.entries });
    this.owners = new JetStreamStream({ ...deps, name: streams.owners });
  }

  get isUp(): boolean {
    return this.#isSeen && this.#link.isUp;
  }

  get clientIp(): string | undefined {
    return this.#link.clientIp;
  }

  follow(follower: LedgerFollower): void {
    this.#follower = follower;
    if (this.isUp) follower.up();
  }

  /** @returns Why there will be none; undefined: there is one, or may be later. */
  async open(): Promise<string | undefined> {
    let refused: string | undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#opening = {
      fault: undefined,
      end: (reason) => {
        refused = reason;
        resolve();
      },
    };
    void this.#link.connect();
    const isInTime = await within(this.#options.clock, promise, OPEN_MS);
    const { fault } = this.#opening;
    this.#opening = null;
    // A server that is about to be ready does not keep silent for so long.
    if (!isInTime && fault?.kind === "silent") return fault.reason;
    if (refused === undefined && fault !== undefined && !this.isUp) this.#fault(fault);
    return refused;
  }

  async close(timeoutMs: number): Promise<void> {
    this.#isClosed = true;
    this.#end();
    await this.#link.close(timeoutMs);
  }

  #begin(): void {
    this.#questions.begin();
    this.#link.subscribe(
      ownersSubjects(this.#options.prefix),
      // Their answers are JetStream's to give.
      this.#link.guarded((message) => this.#hear(message)),
    );
    this.#try();
  }

  /** What is forbidden of these the link is told of, before it takes itself for up. */
  #try(): void {
    const { connection } = this.#link;
    try {
      if (connection !== null) tryRights(connection, this.#options.prefix);
    } catch {
      // It is being closed.
    }
    this.#isTried = true;
  }

  #hear(message: Msg): void {
    // Without a text it is somebody's trial.
    if (message.data.length > 0) this.#follower?.ownerSaid(message.subject, message.string());
  }

  #gone(): void {
    this.#end();
    const fault = this.#opening?.fault;
    if (fault?.kind === "definite") this.#opening?.end(fault.reason);
  }

  #end(): void {
    this.#stopLooking();
    this.#questions.end();
    this.#api = undefined;
    this.#isTried = false;
  }

  #stopLooking(): void {
    this.#isSeen = false;
    this.#look++;
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Nobody takes what is written: a stream has no leader, or is gone. */
  #miss(): void {
    if (!this.#isSeen) return;
    this.#fault({ kind: "silent", reason: "JetStream: nobody takes what is written to a stream" });
    this.#see();
  }

  /** Looks at the streams until they can be used, from now on. */
  #see(): void {
    const { connection } = this.#link;
    this.#stopLooking();
    if (connection === null || this.#isClosed) return;
    // Who may do what can have changed since.
    if (!this.#isTried) this.#try();
    this.#isTried = false;
    void this.#seeOn(connection, this.#look);
  }

  async #seeOn(connection: NatsConnection, look: number): Promise<void> {
    const js = jetstream(connection, { timeout: ANSWER_MS });
    const jsm = await js.jetstreamManager(false);
    while (this.#look === look) {
      const streams = await makeStreams(jsm, this.#options);
      const fault = streams.ok ? await this.#faultOf() : streams;
      if (this.#look !== look || !this.#link.isUp) return;
      if (streams.ok && fault === undefined) {
        this.#api = { connection, js, jsm };
        return this.#up(streams);
      }
      if (fault !== undefined) this.#fault(fault);
      await new Promise<void>((resolve) => {
        this.#timer = this.#options.clock.setTimeout(resolve, CONNECT_AGAIN_MS);
      });
    }
  }

  /** Whether both streams answer to a write, which is one that they refuse. */
  async #faultOf(): Promise<Fault | undefined> {
    for (const subject of Object.values(trialSubjects(this.#options.prefix))) {
      const answer = await this.#questions.ask(subject, "", IMPOSSIBLE);
      if (answer && isOfStream(answer.string())) continue;
      const kind = answer === null ? "silent" : "passing";
      return { kind, reason: `JetStream: no answer to a write on ${subject}` };
    }
    return undefined;
  }

  #up(
    { replicas, messages, bytes, created, refused }: Extract<Streams, { ok: true }>,
  ): void {
    const { clock, log } = this.#options;
    const awayMs = this.#downSince === undefined ? 0 : Math.round(clock.now() - this.#downSince);
    this.#downSince = undefined;
    this.#told.clear();
    this.#isSeen = true;
    log.info("the outbox in NATS can be used", { messages, bytes, replicas, awayMs });
    if (replicas < REPLICAS && !this.#hasWarned) {
      this.#hasWarned = true;
      log.warn("the outbox in NATS has fewer than three copies", { replicas });
    }
    if (refused !== undefined) {
      log.warn("the outbox in NATS stays as it was", { reason: refused });
    }
    const isAnew = this.#created !== undefined && this.#created !== created;
    this.#created = created;
    if (isAnew) {
      log.error("the outbox in NATS was made anew: what was in it is in memory only", {});
      this.#follower?.anew();
    }
    this.#opening?.end(undefined);
    this.#follower?.up();
  }

  #fault(fault: Fault): void {
    if (this.#isClosed) return;
    if (this.#opening !== null) {
      this.#opening.fault = fault;
      // What the link hears it ends by itself, and says so when it has.
      if (fault.kind === "definite" && this.#link.isUp) this.#opening.end(fault.reason);
      return;
    }
    const { clock, log } = this.#options;
    this.#downSince ??= clock.now();
    const { kind, reason } = fault;
    // Each once in an outage: it is tried again and again.
    if (this.#told.has(kind)) return;
    this.#told.add(kind);
    log.error("the outbox in NATS cannot be used: CALLs are refused until it can", { reason });
  }
}
