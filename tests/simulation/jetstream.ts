/**
 * The two streams of the ledger, as the servers of NATS keep them.
 *
 * What is stored outlives every process. Writes are done in the order in which they arrive, each a moment
 * later, when most servers have it. Faults: a stream has no leader for a while, and of what was being
 * written then a part is written and none is answered; there is no room for a while; a replica that is
 * asked has not heard of the last writes.
 *
 * @module
 */

import type { Message, Put } from "../../lib/outbox/jetstream/ledger.ts";
import { ownerOf, streamNames } from "../../lib/outbox/jetstream/subject.ts";
import type { Chance } from "./chance.ts";
import type { Life } from "./life.ts";
import type { LedgerBook } from "./ledger_book.ts";
import type { Timeline } from "./timeline.ts";
import { Pipe, type Weather } from "./weather.ts";

export interface JetStreamDeps {
  readonly prefix: string;
  readonly timeline: Timeline;
  readonly weather: Weather;
  readonly chance: Chance;
  readonly note: (event: string) => void;
  readonly book: LedgerBook;
}

/** As `maxPayload` of a server is. */
const MAX_PAYLOAD = 1024 ** 2;
/** A replica is behind by no more. */
const MAX_LAG_MS = 60;

/** Who hears what is written to the stream of owners. */
export interface Listener {
  readonly life: Life;
  ownerSaid(subject: string, text: string): void;
  breaks(ms: number): void;
}

/** Owns what is stored, and who listens. */
export class SimulatedJetStream {
  readonly deps: JetStreamDeps;
  readonly entries: SimulatedStream;
  readonly owners: SimulatedStream;
  readonly #listeners = new Set<Listener>();
  /** Nobody can connect. */
  isAway = false;

  constructor(deps: JetStreamDeps) {
    const { book, prefix, note } = deps;
    this.deps = deps;
    const names = streamNames(prefix);
    const owned = (subject: string): string => ownerOf(prefix, subject) ?? "";
    this.entries = new SimulatedStream(names.entries, deps, {
      stored(life, { subject, seq, text }) {
        note(`the ledger has ${seq} of ${life.name}: ${subject} ${text}`);
        book.entryStored(life, owned(subject), subject, text);
      },
      removed(life, { subject, seq }) {
        note(`${life.name} has ${seq} removed from the ledger`);
        book.entryRemoved(life, owned(subject), subject);
      },
    });
    this.owners = new SimulatedStream(names.owners, deps, {
      stored: (life, { subject, text }) => {
        if (book.signed(life, owned(subject))) note(`${life.name} signs ${subject} ${text}`);
        for (const listener of this.#listeners) {
          // The connection that it came by does not hear it.
          if (listener.life !== life) listener.ownerSaid(subject, text);
        }
      },
      removed(life, { subject }) {
        note(`${life.name} has ${subject} removed`);
        book.signRemoved(life, owned(subject));
      },
    });
  }

  listen(listener: Listener): void {
    this.#listeners.add(listener);
  }

  forget(listener: Listener): void {
    this.#listeners.delete(listener);
  }

  /** All connections break, and for a while none can be made. */
  goAway(ms: number): void {
    if (this.isAway) return;
    this.isAway = true;
    for (const listener of this.#listeners) listener.breaks(ms);
    this.deps.timeline.after(ms, () => this.isAway = false);
  }

  /** Ends every fault that goes on. */
  calm(): void {
    this.isAway = false;
    for (const stream of [this.entries, this.owners]) {
      stream.isFull = false;
      stream.elect();
    }
  }
}

/** Told of each write that is done. */
interface Watcher {
  stored(life: Life, message: Message): void;
  removed(life: Life, message: Message): void;
}

/** What was on a subject until something was written there. */
interface Past {
  readonly message: Message | null;
  readonly until: number;
}

/** Owns the messages of one stream: one for each subject, and no sequence twice. */
export class SimulatedStream {
  readonly name: string;
  readonly #deps: JetStreamDeps;
  readonly #watcher: Watcher;
  readonly #bySubject = new Map<string, Message>();
  readonly #bySeq = new Map<number, Message>();
  readonly #past = new Map<string, Past>();
  /** To most of the servers: what goes in is written when it comes out. */
  readonly #commits: Pipe;
  #last = 0;
  #hasLeader = true;
  /** Another one leads since. */
  #term = 0;
  /** There is no room. */
  isFull = false;

  constructor(name: string, deps: JetStreamDeps, watcher: Watcher) {
    this.name = name;
    this.#deps = deps;
    this.#watcher = watcher;
    this.#commits = new Pipe(deps.timeline, deps.weather);
  }

  get hasLeader(): boolean {
    return this.#hasLeader;
  }

  /** All that is there, in the order in which it was written. */
  get messages(): Message[] {
    return [...this.#bySeq.values()];
  }

  /** A write arrives. @param answer Called when it is done, if it ever is and somebody can say so. */
  put(
    life: Life,
    subject: string,
    text: string,
    last: number,
    answer: (put: Put) => void,
  ): void {
    if (text.length > MAX_PAYLOAD) return answer({ kind: "too_large" });
    this.#commit(() => this.#write(life, subject, text, last), answer);
  }

  remove(life: Life, seq: number, answer: (removed: "removed" | "absent") => void): void {
    this.#commit(() => {
      const message = this.#bySeq.get(seq);
      if (message === undefined) return "absent" as const;
      this.#delete(message);
      this.#watcher.removed(life, message);
      return "removed" as const;
    }, answer);
  }

  /** What the leader, which may be a new one and behind, takes for the message of a subject. */
  lastOf(subject: string): Message | null {
    const { chance, timeline, weather } = this.#deps;
    const lagMs = weather.happens("staleRead") ? chance.between(0, MAX_LAG_MS) : 0;
    const past = this.#past.get(subject);
    if (past !== undefined && past.until > timeline.now - lagMs) return past.message;
    return this.#bySubject.get(subject) ?? null;
  }

  /** Sequences of all that match now. */
  matching(filter: string): number[] {
    return this.messages.filter(({ subject }) => matches(filter, subject)).map(({ seq }) => seq);
  }

  at(seq: number): Message | undefined {
    return this.#bySeq.get(seq);
  }

  /** Nobody leads: nothing is written until somebody does. */
  depose(ms: number): void {
    if (!this.#hasLeader) return;
    this.#hasLeader = false;
    this.#term++;
    this.#deps.timeline.after(ms, () => this.elect());
  }

  elect(): void {
    this.#hasLeader = true;
  }

  #commit<T>(write: () => T, answer: (result: T) => void): void {
    if (!this.#hasLeader) return;
    const term = this.#term;
    this.#commits.push(() => {
      if (term === this.#term) return answer(write());
      // The next leader has it, or not; nobody waits for its answer any more.
      if (this.#deps.chance.happens(0.5)) write();
    });
  }

  #write(life: Life, subject: string, text: string, last: number): Put {
    const before = this.#bySubject.get(subject);
    const known = before?.seq ?? 0;
    const isFull = this.isFull && text.length >= (before?.text.length ?? 0);
    // Which of the two is seen first is the servers' affair.
    if (isFull && (known === last || this.#deps.chance.happens(0.5))) return { kind: "full" };
    if (known !== last) return { kind: "conflict", last: known };
    if (before !== undefined) this.#delete(before);
    else this.#remember(subject, null);
    const message = { subject, seq: ++this.#last, text };
    this.#bySubject.set(subject, message);
    this.#bySeq.set(message.seq, message);
    this.#watcher.stored(life, message);
    return { kind: "stored", seq: message.seq };
  }

  #delete(message: Message): void {
    this.#bySubject.delete(message.subject);
    this.#bySeq.delete(message.seq);
    this.#remember(message.subject, message);
  }

  #remember(subject: string, message: Message | null): void {
    this.#past.set(subject, { message, until: this.#deps.timeline.now });
  }
}

/** Whether a subject matches a filter of NATS. */
export function matches(filter: string, subject: string): boolean {
  const wanted = filter.split(".");
  const given = subject.split(".");
  for (const [i, token] of wanted.entries()) {
    if (token === ">") return given.length > i;
    if (token !== "*" && token !== given[i]) return false;
  }
  return wanted.length === given.length;
}
