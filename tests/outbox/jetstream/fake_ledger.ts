/**
 * The ledger's streams in memory, the ways of several processes to them, and desks that use these.
 *
 * @module
 */

import type {
  Ledger,
  LedgerFollower,
  LedgerStream,
  Message,
  Put,
} from "../../../lib/outbox/jetstream/ledger.ts";
import { LedgerDesk } from "../../../lib/outbox/jetstream/desk.ts";
import type { AcceptedCall, KeptReport } from "../../../lib/outbox/entry.ts";
import { MAIN, type Told, type ToStore } from "../../../lib/outbox/thread/message.ts";
import type { DeskPort } from "../../../lib/outbox/thread/places.ts";
import { Unwritten } from "../../../lib/outbox/unwritten.ts";
import { type FakeClock, microtasks } from "../../support/fake_clock.ts";

/** A stream that all processes see. */
export class FakeStream {
  readonly #messages = new Map<string, Message>();
  #last = 0;
  /** It takes nothing that is not smaller than what is there. */
  isFull = false;

  /** It is removed and made anew. */
  clear(): void {
    this.#messages.clear();
    this.#last = 0;
  }

  get messages(): Message[] {
    return [...this.#messages.values()].sort((one, other) => one.seq - other.seq);
  }

  put(subject: string, text: string, last: number): Put {
    const before = this.#messages.get(subject);
    if ((before?.seq ?? 0) !== last) return { kind: "conflict", last: before?.seq ?? 0 };
    if (this.isFull && text.length >= (before?.text.length ?? 0)) return { kind: "full" };
    const seq = ++this.#last;
    this.#messages.set(subject, { subject, seq, text });
    return { kind: "stored", seq };
  }

  remove(seq: number): "removed" | "absent" {
    const found = this.messages.find((message) => message.seq === seq);
    if (found === undefined) return "absent";
    this.#messages.delete(found.subject);
    return "removed";
  }
}

/** What happens to what a process asks of JetStream. */
export type Weather =
  | "fine"
  /** Nothing arrives, and nobody answers. */
  | "cut"
  /** It arrives, and the answer is lost. */
  | "deaf";

/** The streams, and who hears what is said of owners. */
export class FakeJetStream {
  readonly entries = new FakeStream();
  readonly owners = new FakeStream();
  readonly ledgers = new Set<FakeLedger>();
}

/** One process's way there. */
export class FakeLedger implements Ledger {
  readonly entries: LedgerStream;
  readonly owners: LedgerStream;
  readonly clientIp = "127.0.0.1";
  isUp = true;
  weather: Weather = "fine";
  /** What there is as far as the server knows that is asked what is last: it may lag behind. */
  lagging: readonly Message[] | undefined;
  /** What is answered to a write in place of what the stream says; undefined: that. */
  answer: (subject: string) => Put | undefined = () => undefined;
  /** What the server says that is asked for a message. */
  found: (message: Message | null) => Message | null = (message) => message;
  /** Whether what was written lately is seen by who reads. */
  isBehind = false;
  /** Before something is removed. */
  onRemove: (seq: number) => void = () => {};
  /** Names what was asked, in order. */
  readonly asked: string[] = [];
  follower: LedgerFollower | undefined;
  readonly #jetStream: FakeJetStream;

  constructor(jetStream: FakeJetStream) {
    this.#jetStream = jetStream;
    jetStream.ledgers.add(this);
    this.entries = this.#stream(jetStream.entries, () => {});
    this.owners = this.#stream(jetStream.owners, (subject, text) => {
      for (const other of jetStream.ledgers) {
        if (other !== this && other.weather === "fine") other.follower?.ownerSaid(subject, text);
      }
    });
  }

  follow(follower: LedgerFollower): void {
    this.follower = follower;
    follower.up();
  }

  close(): Promise<void> {
    this.#jetStream.ledgers.delete(this);
    return Promise.resolve();
  }

  #stream(stream: FakeStream, said: (subject: string, text: string) => void): LedgerStream {
    const isThere = (): boolean => this.isUp && this.weather === "fine";
    return {
      put: async (subject, text, last) => {
        this.asked.push(`put ${subject} ${last}`);
        if (!this.isUp || this.weather === "cut") return { kind: "unknown" };
        const other = this.answer(subject);
        if (other !== undefined) return other;
        const put = stream.put(subject, text, last);
        if (put.kind === "stored") said(subject, text);
        return this.weather === "deaf" ? { kind: "unknown" } : await Promise.resolve(put);
      },
      remove: async (seq) => {
        this.asked.push(`remove ${seq}`);
        if (!this.isUp || this.weather === "cut") return "unknown";
        this.onRemove(seq);
        const removed = stream.remove(seq);
        return this.weather === "deaf" ? "unknown" : await Promise.resolve(removed);
      },
      last: async (subject) => {
        this.asked.push(`last ${subject}`);
        if (!isThere()) return undefined;
        return await Promise.resolve(
          this.found(
            (this.lagging ?? stream.messages).find((message) => message.subject === subject) ??
              null,
          ),
        );
      },
      read: async (filter, take) => {
        this.asked.push(`read ${filter}`);
        if (!isThere()) return false;
        const start = filter.slice(0, -1);
        const found = (this.isBehind ? [] : stream.messages).filter(({ subject }) =>
          subject.startsWith(start)
        );
        for (let from = 0; from < found.length; from += 2) await take(found.slice(from, from + 2));
        return true;
      },
    };
  }
}

/** One process: its desk, and the main thread's store as messages. */
export class FakeProcess {
  readonly clock: FakeClock;
  readonly ledger: FakeLedger;
  readonly desk: LedgerDesk;
  readonly told: Told[] = [];
  /** What the main thread's store heard. */
  readonly heard: ToStore[] = [];
  readonly port: DeskPort;
  #batches = 0;

  constructor(jetStream: FakeJetStream, clock: FakeClock, name: string, place?: string) {
    this.clock = clock;
    this.ledger = new FakeLedger(jetStream);
    let names = 0;
    this.desk = new LedgerDesk({
      ledger: this.ledger,
      prefix: "p",
      newName: () => `${name}${names++}`,
      place,
      clock,
      tell: (told) => this.told.push(told),
    });
    this.port = this.attach(MAIN, this.heard);
  }

  /** The store of another thread. */
  attach(owner: number, heard: ToStore[] = []): DeskPort {
    const port: DeskPort = {
      onmessage: null,
      postMessage: (message) => void heard.push(message),
      close: () => {},
    };
    this.desk.attach(owner, port);
    return port;
  }

  /** Starts as a gateway does. */
  async start(): Promise<void> {
    await this.desk.begin();
    this.port.onmessage!({ data: { kind: "recover", ask: 1 } } as MessageEvent);
    await this.settle();
  }

  /** A store says something in one batch. @returns The number of the batch. */
  say(tell: (changes: Unwritten) => void, port = this.port): number {
    const changes = new Unwritten();
    tell(changes);
    const batch = ++this.#batches;
    port.onmessage!({ data: { kind: "write", batch, changes: changes.take() } } as MessageEvent);
    return batch;
  }

  async accept(...calls: AcceptedCall[]): Promise<boolean | undefined> {
    const batch = this.say((changes) => calls.forEach((call) => changes.accept(call)));
    await this.settle();
    return this.answer(batch);
  }

  async end(...reports: KeptReport[]): Promise<void> {
    this.say((changes) => reports.forEach((report) => changes.end(report)));
    await this.settle();
  }

  async delivered(...ids: string[]): Promise<void> {
    this.say((changes) => ids.forEach((id) => changes.delivered(id)));
    await this.settle();
  }

  /** Whether what was in a batch is kept; undefined while that is not said. */
  answer(batch: number): boolean | undefined {
    const written = this.heard.find((message) =>
      message.kind === "written" && message.batch === batch
    );
    return written?.kind === "written" ? written.isKept : undefined;
  }

  /** What came to the main thread's store, found or inherited. */
  get got(): { calls: string[]; reports: string[] } {
    const parts = this.heard.flatMap((message) =>
      message.kind === "found" || message.kind === "inherited" ? [message] : []
    );
    return {
      calls: parts.flatMap(({ calls }) => calls.map(({ id }) => id)),
      reports: parts.flatMap(({ reports }) => reports.map(({ id }) => id)),
    };
  }

  get lost(): string[] {
    return this.heard.flatMap((message) => message.kind === "lost" ? message.ids : []);
  }

  /** The process is killed. */
  kill(): void {
    this.ledger.weather = "cut";
    this.ledger.follower = undefined;
  }

  async settle(): Promise<void> {
    for (let i = 0; i < 20; i++) await microtasks();
  }
}

/** Lets time pass, in small steps, for all processes. */
export async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 50) {
    clock.tick(50);
    for (let i = 0; i < 10; i++) await microtasks();
  }
}
