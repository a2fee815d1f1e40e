/**
 * Entries that may come to be when nobody knows of them any more.
 *
 * @module
 */

import type { Clock } from "../../clock.ts";
import { readEntry } from "./entry_text.ts";
import { type KeptEntries, namesOf } from "./kept.ts";
import type { Ledger, Message } from "./ledger.ts";
import { entriesOf, ownerOf, ownerSubject } from "./subject.ts";

export interface StraysDeps {
  readonly ledger: Pick<Ledger, "entries" | "owners">;
  readonly kept: KeptEntries;
  readonly prefix: string;
  readonly clock: Clock;
  /** The name of this owner. */
  readonly name: () => string;
}

/** What a machine still sends of a connection that its process left comes by then, as a rule … */
const FIRST_LOOK_MS = 10_000;
/** … and once more is looked so long after that. */
const LAST_LOOK_MS = 50_000;
/** Until what broke off is read again. */
const AGAIN_MS = 1000;

interface Watch {
  /** Since the last write without an answer. */
  looks: number;
  dueAt: number;
  isBusy: boolean;
}

/**
 * Owns under which names entries may still come to be. An entry's first write that had no answer may be
 * on its way for long, by a connection that was given up; and when its entry was written again by another
 * one, delivered and removed, nothing keeps it from being written. Its report would come once more, from
 * the next heir. So some time after such a write all entries of that name are read, and those of which
 * nothing is known are removed.
 */
export class Strays {
  readonly #deps: StraysDeps;
  readonly #watched = new Map<string, Watch>();

  constructor(deps: StraysDeps) {
    this.#deps = deps;
  }

  /** Whether any of this owner's name may be on its way. */
  get mayCome(): boolean {
    return this.#watched.get(this.#deps.name())?.looks === 0;
  }

  /** The first write of an entry had no answer. */
  expect(subject: string): void {
    const { prefix, clock } = this.#deps;
    const owner = ownerOf(prefix, subject);
    if (owner === undefined) return;
    const watch = this.#watched.get(owner) ?? { looks: 0, dueAt: 0, isBusy: false };
    watch.looks = 0;
    watch.dueAt = clock.now() + FIRST_LOOK_MS;
    this.#watched.set(owner, watch);
  }

  /** Looks where it is time to. */
  look(): void {
    const now = this.#deps.clock.now();
    for (const [owner, watch] of this.#watched) {
      if (!watch.isBusy && watch.dueAt <= now) void this.#look(owner, watch);
    }
  }

  async #look(owner: string, watch: Watch): Promise<void> {
    const { clock } = this.#deps;
    watch.isBusy = true;
    const { dueAt } = watch;
    const isDone = await this.#sweep(owner);
    watch.isBusy = false;
    // There was another one meanwhile.
    if (watch.dueAt !== dueAt) return;
    if (!isDone) watch.dueAt = clock.now() + AGAIN_MS;
    else if (++watch.looks < 2) watch.dueAt = clock.now() + LAST_LOOK_MS;
    else this.#watched.delete(owner);
  }

  /** @returns Whether it came to the end. */
  async #sweep(owner: string): Promise<boolean> {
    const { ledger: { entries, owners }, prefix, name } = this.#deps;
    const isOwn = owner === name();
    if (!isOwn) {
      const sign = await owners.last(ownerSubject(prefix, owner));
      // An older name has an heir, who looks for all that comes, and for longer.
      if (sign !== null) return sign !== undefined;
    }
    let isDone = true;
    const isRead = await entries.read(entriesOf(prefix, owner), async (messages) => {
      // It has an heir since, and nothing of what is kept is known any more.
      if (isOwn && owner !== name()) isDone = false;
      if (!isDone) return;
      const strays = messages.filter((message) => this.#isStray(message));
      const removed = await Promise.all(strays.map(({ seq }) => entries.remove(seq)));
      if (removed.includes("unknown")) isDone = false;
    });
    return isRead && isDone;
  }

  #isStray({ subject, text }: Message): boolean {
    const read = readEntry(text);
    if (read === undefined) return false;
    return this.#deps.kept.get(namesOf(read.entry).id)?.subject !== subject;
  }
}
