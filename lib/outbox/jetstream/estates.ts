/**
 * What others left, taken over entry by entry.
 *
 * @module
 */

import { type Clock, within } from "../../clock.ts";
import type { Found } from "../store.ts";
import { type LedgerEntry, readEntry } from "./entry_text.ts";
import { HeirSign } from "./heir_sign.ts";
import { type KeptEntries, namesOf } from "./kept.ts";
import type { Ledger, Message } from "./ledger.ts";
import type { EstateNews } from "./news.ts";
import { partsOf } from "./parts.ts";
import type { Sign } from "./sign_text.ts";
import { entriesOf } from "./subject.ts";
import { GRACE_MS, SIGN_KEPT_MS } from "./times.ts";

export interface EstatesDeps {
  readonly ledger: Pick<Ledger, "entries" | "owners">;
  readonly kept: KeptEntries;
  readonly prefix: string;
  readonly clock: Clock;
  /** Whether nobody else can be the heir by now. */
  readonly isCertain: () => boolean;
  /** Which store what is taken over is of. */
  readonly heir: () => number;
  /** Gives it to that store. */
  readonly hand: (found: Found) => void;
  readonly told: (what: EstateNews) => void;
  /** All that an owner had is delivered. */
  readonly ended: (owner: string) => void;
}

/** Entries that are taken over at once. */
const AT_ONCE = 128;
/** How long the end waits for what is being read of what is delivered. */
const LAST_READS_MS = 50;
/** Until what broke off is read again. */
const AGAIN_MS = 1000;
/** How often is looked whether all of it is delivered. */
const LOOK_AGAIN_MS = 10_000;

/** Reads of which something could not be taken over, until the rest no longer waits for it. */
const MAX_READS = 5;
/**
 * What became of one message: an entry that was taken over, or one that had been before; what cannot be
 * read stays where it is, until it is too old.
 */
type Taken = LedgerEntry | "known" | "unreadable";

interface Estate {
  /** The owner's last sign of life, which says who the heir is. */
  readonly sign: HeirSign;
  /** What was taken over and not handed over yet. */
  readonly taken: LedgerEntry[];
  /**
   * The ids of all that was handed over. One that comes to be once more is an older write that came late.
   */
  readonly handed: Set<string>;
  /** How often it was read to the end … */
  passes: number;
  /** … and how often in a row something was left that could not be taken over. */
  misses: number;
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
 * Each entry is written as it is in place of itself, so that a later write of the old owner fails. Only
 * when all of it is taken over it is handed over, in the order in which it came to be: in the stream it is
 * in the order in which it was written, by heirs too. So all of one estate is in memory here, once.
 *
 * An estate is read twice, since something of it may still have been under way. Until all of it is
 * delivered the sign of life is written again and again, so that it is not too old before what it stands
 * for. From then on the estate is read again and again, until its owner can hardly come back; then that is
 * forgotten.
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
   * @param sign The owner's last sign of life, which names this heir.
   * @param seq That of it.
   * @returns When it was read once, or not. Never rejects.
   */
  begin(owner: string, sign: Sign, seq: number): Promise<void> {
    const { ledger: { owners }, prefix } = this.#deps;
    const estate: Estate = {
      sign: new HeirSign(owners, prefix, sign, seq),
      ...{ taken: [], handed: new Set(), passes: 0, misses: 0, dueAt: 0 },
      ...{ endsAt: undefined, isBusy: false, reading: Promise.resolve() },
    };
    this.#all.set(owner, estate);
    return estate.reading = this.#read(owner, estate);
  }

  /** Goes on with those that are due. */
  look(): void {
    for (const [owner, estate] of this.#all) {
      if (estate.isBusy || estate.dueAt > this.#deps.clock.now()) continue;
      if (estate.passes >= 2 && this.#isOwed(owner)) void this.#renew(estate);
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

  #isCurrent(owner: string, estate: Estate): boolean {
    return this.#all.get(owner) === estate;
  }

  /** Nothing else is done with it for so long. */
  #later(estate: Estate, ms: number): void {
    estate.isBusy = false;
    estate.dueAt = this.#deps.clock.now() + ms;
  }

  async #read(owner: string, estate: Estate): Promise<void> {
    const { ledger, prefix, isCertain } = this.#deps;
    estate.isBusy = true;
    const isCurrent = (): boolean => this.#isCurrent(owner, estate);
    let [isSure, isWhole] = [true, true];
    let count = 0;
    const isEnd = await ledger.entries.read(entriesOf(prefix, owner), async (messages) => {
      if (!isCertain()) isSure = false;
      if (!isSure || !isCurrent()) return;
      const taken = await this.#takeAll(messages, estate, isCurrent);
      if (taken.length < messages.length) isWhole = false;
      for (const one of taken) {
        if (one !== "unreadable") count++;
        if (typeof one !== "string") estate.taken.push(one);
      }
    });
    if (!isCurrent()) return;
    const isRead = isEnd && isSure;
    if (isRead && !isWhole) estate.misses++;
    const isLate = estate.misses >= MAX_READS;
    // In doubt it waits: whoever is the heir by then has it.
    if (!isRead || !isCertain() || (!isWhole && !isLate)) return this.#later(estate, AGAIN_MS);
    await this.#handAll(owner, estate);
    if (!isCurrent()) return;
    if (!isWhole) return this.#later(estate, AGAIN_MS);
    estate.misses = 0;
    estate.passes++;
    if (estate.passes < 2) this.#later(estate, GRACE_MS);
    else if (count > 0 || this.#isOwed(owner)) this.#later(estate, AGAIN_MS);
    else await this.#maybeEnd(owner, estate);
  }

  /** Nothing is left of it: it ends, as soon as its owner can hardly come back. */
  async #maybeEnd(owner: string, estate: Estate): Promise<void> {
    const now = this.#deps.clock.now();
    estate.endsAt ??= now + SIGN_KEPT_MS;
    if (now >= estate.endsAt) await this.#end(owner, estate);
    // What its owner sent long ago may still come.
    else this.#later(estate, Math.min(LOOK_AGAIN_MS, estate.endsAt - now));
  }

  /** @returns When all of it is handed over, or is another one's. */
  async #handAll(owner: string, estate: Estate): Promise<void> {
    const { clock, hand, told } = this.#deps;
    const all = estate.taken.splice(0).sort((one, other) => one.ord - other.ord);
    const entries = all.map(({ entry }) => entry);
    if (entries.length === 0) return;
    for (const entry of entries) estate.handed.add(namesOf(entry).id);
    let isFirst = true;
    for (const part of partsOf(entries)) {
      // Whatever else is to be done is done in between.
      if (!isFirst) await new Promise<void>((resolve) => clock.setImmediate(resolve));
      isFirst = false;
      if (!this.#isCurrent(owner, estate)) return;
      hand(part);
    }
    const calls = entries.filter((entry) => "call" in entry).length;
    told({ kind: "taken_over", owner, calls, reports: entries.length - calls });
  }

  /** Says again who the heir is. */
  async #renew(estate: Estate): Promise<void> {
    estate.isBusy = true;
    await estate.sign.renew();
    this.#later(estate, LOOK_AGAIN_MS);
  }

  /** Nothing is left of it. */
  async #end(owner: string, estate: Estate): Promise<void> {
    const { ledger, prefix, ended } = this.#deps;
    estate.isBusy = true;
    if (!await estate.sign.remove()) return this.#later(estate, AGAIN_MS);
    // Who found its sign in another one's hands drops what it had written just before.
    let isLeft = false;
    const isRead = await ledger.entries.read(entriesOf(prefix, owner), (messages) => {
      if (messages.some(({ text }) => readEntry(text) !== undefined)) isLeft = true;
      return Promise.resolve();
    });
    const isOurs = isRead && !isLeft ? false : await estate.sign.renew();
    if (!this.#isCurrent(owner, estate)) return;
    // Who is back has written a sign of its own.
    if (isOurs !== false) return this.#later(estate, AGAIN_MS);
    this.#all.delete(owner);
    ended(owner);
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
        if (estate.passes + estate.misses > 0 || one !== "unreadable") continue;
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
    // Where there is no room for it the old owner can write nothing over it either.
    if (put.kind === "conflict" || put.kind === "unknown") return undefined;
    const now = put.kind === "stored" ? put.seq : seq;
    kept.set(id, { subject, seq: now, isUnsure: false, place: heir(), key });
    return read;
  }
}
