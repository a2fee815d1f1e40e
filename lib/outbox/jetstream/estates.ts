/**
 * What others left, taken over entry by entry.
 *
 * @module
 */

import { type Clock, within } from "../../clock.ts";
import type { Found } from "../store.ts";
import { type LedgerEntry, readEntry } from "./entry_text.ts";
import { type KeptEntries, namesOf } from "./kept.ts";
import type { Ledger, Message } from "./ledger.ts";
import { entriesOf } from "./subject.ts";
import { GRACE_MS, SIGN_KEPT_MS } from "./times.ts";

export interface EstatesDeps {
  readonly ledger: Pick<Ledger, "entries" | "owners">;
  readonly kept: KeptEntries;
  readonly prefix: string;
  readonly clock: Clock;
  /** Which store what is taken over is of. */
  readonly heir: () => number;
  /** Gives it to that store. */
  readonly hand: (found: Found) => void;
  readonly told: (what: EstateNews) => void;
  /** All that an owner had is delivered. */
  readonly ended: (owner: string) => void;
}

/** What is worth a line in the log. */
export type EstateNews =
  | {
    readonly kind: "taken_over";
    readonly owner: string;
    readonly calls: number;
    readonly reports: number;
  }
  | { readonly kind: "unreadable"; readonly subject: string };

/** Entries that are taken over at once. */
const AT_ONCE = 128;
/** How long the end waits for what is being read of what is delivered. */
const LAST_READS_MS = 50;
/** Entries that are handed over at once: they are copied for that. */
const PART = 500;
/** Until what broke off is read again. */
const AGAIN_MS = 1000;
/** How often is looked whether all of it is delivered. */
const LOOK_AGAIN_MS = 10_000;

/**
 * What became of one message: an entry that was taken over, or one that had been before; what cannot be
 * read stays where it is, until it is too old.
 */
type Taken = LedgerEntry | "known" | "unreadable";

interface Estate {
  /** Of the sign of life that says who the heir is. */
  readonly seq: number;
  /** How often it was read to the end. */
  passes: number;
  /** What was taken over, and is handed over when all has been read: only then its order is known. */
  found: LedgerEntry[];
  /**
   * The ids of all that was handed over. One that comes to be once more is an older write that came late.
   */
  readonly handed: Set<string>;
  /** When it is read again. */
  dueAt: number;
  /** When its owner is forgotten, since all of it is delivered; undefined before that. */
  endsAt: number | undefined;
  isBusy: boolean;
  /** Resolves when it is not read any more. */
  reading: Promise<void>;
}

/**
 * Owns the estates of owners that have gone, of which this one is the heir.
 *
 * Each entry is written as it is in place of itself, so that a later write of the old owner fails. What
 * stands in the stream first did not come to be first, for a write may have had to be repeated. An
 * estate is read twice, since something of it may still have been under way, and once more when all of
 * it is delivered; then its owner is forgotten.
 */
export class Estates {
  readonly #deps: EstatesDeps;
  readonly #all = new Map<string, Estate>();

  constructor(deps: EstatesDeps) {
    this.#deps = deps;
  }

  get size(): number {
    return this.#all.size;
  }

  has(owner: string): boolean {
    return this.#all.has(owner);
  }

  /**
   * Begins with one.
   *
   * @param seq That of the owner's last sign of life, which names this heir.
   * @returns When it was read once, or not. Never rejects.
   */
  begin(owner: string, seq: number): Promise<void> {
    const estate: Estate = {
      seq,
      passes: 0,
      found: [],
      handed: new Set(),
      dueAt: 0,
      endsAt: undefined,
      isBusy: false,
      reading: Promise.resolve(),
    };
    this.#all.set(owner, estate);
    return estate.reading = this.#read(owner, estate);
  }

  /** Goes on with those that are due. */
  look(): void {
    for (const [owner, estate] of this.#all) {
      if (estate.isBusy || estate.dueAt > this.#deps.clock.now()) continue;
      if (estate.passes >= 2 && this.#isOwed(owner)) this.#later(estate, LOOK_AGAIN_MS);
      else estate.reading = this.#read(owner, estate);
    }
  }

  /** All of them are another one's by now. */
  lost(): void {
    this.#all.clear();
  }

  /**
   * Nobody is here to see to them any longer: those that are delivered end.
   *
   * @returns When that was tried. Never rejects.
   */
  async close(): Promise<void> {
    const delivered = [...this.#all.values()].filter(({ endsAt }) => endsAt !== undefined);
    const read = Promise.all(delivered.map(({ reading }) => reading));
    await within(this.#deps.clock, read, LAST_READS_MS);
    const done = [...this.#all].filter(([owner, { passes, isBusy }]) =>
      passes >= 2 && !isBusy && !this.#isOwed(owner)
    );
    await Promise.all(done.map(([owner, estate]) => this.#end(owner, estate)));
  }

  #isOwed(owner: string): boolean {
    return this.#deps.kept.hasBelow(entriesOf(this.#deps.prefix, owner).slice(0, -1));
  }

  #later(estate: Estate, ms: number): void {
    estate.dueAt = this.#deps.clock.now() + ms;
  }

  async #read(owner: string, estate: Estate): Promise<void> {
    const { ledger, prefix } = this.#deps;
    estate.isBusy = true;
    const isCurrent = (): boolean => this.#all.get(owner) === estate;
    let isWhole = true;
    let count = 0;
    const isRead = await ledger.entries.read(entriesOf(prefix, owner), async (messages) => {
      if (!isCurrent()) return;
      const taken = await this.#takeAll(messages, estate, isCurrent);
      if (taken.length < messages.length) isWhole = false;
      for (const one of taken) {
        if (one !== "unreadable") count++;
        if (typeof one !== "string") estate.found.push(one);
      }
    });
    estate.isBusy = false;
    if (!isCurrent()) return;
    if (!isRead || !isWhole) return this.#later(estate, AGAIN_MS);
    this.#handOver(owner, estate);
    estate.passes++;
    if (estate.passes < 2) this.#later(estate, GRACE_MS);
    else if (count > 0 || this.#isOwed(owner)) this.#later(estate, AGAIN_MS);
    else await this.#maybeEnd(owner, estate);
  }

  /** Those without an outcome come last: what came to be before them is told before. */
  #handOver(owner: string, estate: Estate): void {
    const { hand, told } = this.#deps;
    const found = estate.found.sort((one, other) => one.ord - other.ord);
    estate.found = [];
    if (found.length === 0) return;
    const calls = found.flatMap(({ entry }) => "call" in entry ? [entry.call] : []);
    const reports = found.flatMap(({ entry }) => "report" in entry ? [entry.report] : []);
    for (const { entry } of found) estate.handed.add(namesOf(entry).id);
    for (let from = 0; from < reports.length; from += PART) {
      hand({ calls: [], reports: reports.slice(from, from + PART) });
    }
    for (let from = 0; from < calls.length; from += PART) {
      hand({ calls: calls.slice(from, from + PART), reports: [] });
    }
    told({ kind: "taken_over", owner, calls: calls.length, reports: reports.length });
  }

  /** Nothing is left of it: it ends, as soon as its owner can hardly come back. */
  async #maybeEnd(owner: string, estate: Estate): Promise<void> {
    const now = this.#deps.clock.now();
    estate.endsAt ??= now + SIGN_KEPT_MS;
    if (now >= estate.endsAt) return await this.#end(owner, estate);
    // What its owner sent long ago may still come.
    estate.dueAt = Math.min(now + LOOK_AGAIN_MS, estate.endsAt);
  }

  async #end(owner: string, estate: Estate): Promise<void> {
    estate.isBusy = true;
    const removed = await this.#deps.ledger.owners.remove(estate.seq);
    estate.isBusy = false;
    if (this.#all.get(owner) !== estate) return;
    if (removed === "unknown") return this.#later(estate, AGAIN_MS);
    this.#all.delete(owner);
    this.#deps.ended(owner);
  }

  /** @returns What is missing could not be taken over now. */
  async #takeAll(
    messages: readonly Message[],
    estate: Estate,
    isCurrent: () => boolean,
  ): Promise<Taken[]> {
    const taken: Taken[] = [];
    for (let from = 0; from < messages.length && isCurrent(); from += AT_ONCE) {
      const some = messages.slice(from, from + AT_ONCE);
      const all = await Promise.all(some.map((message) => this.#take(message, estate, isCurrent)));
      for (const [k, one] of all.entries()) {
        if (one !== undefined) taken.push(one);
        if (estate.passes > 0 || one !== "unreadable") continue;
        this.#deps.told({ kind: "unreadable", subject: some[k]!.subject });
      }
    }
    return taken;
  }

  async #take(
    message: Message,
    { handed }: Estate,
    isCurrent: () => boolean,
  ): Promise<Taken | undefined> {
    const { ledger: { entries }, kept, heir } = this.#deps;
    const { subject, text, seq } = message;
    const read = readEntry(text);
    if (read === undefined) return "unreadable";
    const { id, key } = namesOf(read.entry);
    const known = kept.get(id);
    if (known !== undefined || handed.has(id)) {
      // It was taken over to another subject before, or is delivered: once is enough.
      if (known?.subject !== subject) await entries.remove(seq);
      return "known";
    }
    const put = await entries.put(subject, text, seq);
    if (!isCurrent()) return undefined;
    // In a stream that is full the old owner can write nothing over it either.
    if (put.kind !== "stored" && put.kind !== "full") return undefined;
    const now = put.kind === "stored" ? put.seq : seq;
    kept.set(id, { subject, seq: now, isUnsure: false, place: heir(), key });
    return read;
  }
}
