/**
 * What of this owner's is in the ledger, by id.
 *
 * @module
 */

import type { Entry, RequestKey } from "../entry.ts";

/** One entry. What it says is in the ledger alone. */
export interface Kept {
  readonly subject: string;
  /** Of the message on its subject; 0: there is none yet. */
  seq: number;
  /** Whether a write has had no answer, so that another message may be there. */
  isUnsure: boolean;
  /** Which of this process's stores it is of. */
  place: number;
  /** That of its CALL, so that it stays with the outcome. */
  key: RequestKey | undefined;
}

/** The id and the key of an entry. */
export function namesOf(entry: Entry): { id: string; key: RequestKey | undefined } {
  const { id, key } = "call" in entry ? entry.call : entry.report;
  return { id, key };
}

/**
 * Owns which entries there are, whose they are and under which sequences they were written.
 *
 * Always true: what is not in it is in no message of this owner's, but for one whose write was given up and
 * came late.
 */
export class KeptEntries {
  readonly #all = new Map<string, Kept>();

  get size(): number {
    return this.#all.size;
  }

  get(id: string): Kept | undefined {
    return this.#all.get(id);
  }

  set(id: string, kept: Kept): void {
    this.#all.set(id, kept);
  }

  delete(id: string): void {
    this.#all.delete(id);
  }

  /** What one store has. */
  ofPlace(place: number): Map<string, Kept> {
    return new Map([...this.#all].filter(([, kept]) => kept.place === place));
  }

  /** Whether any entry is on a subject that begins so. */
  hasBelow(start: string): boolean {
    for (const { subject } of this.#all.values()) if (subject.startsWith(start)) return true;
    return false;
  }

  /** No message is there any more: those that come have other ones' numbers. */
  forgetMessages(): void {
    for (const kept of this.#all.values()) [kept.seq, kept.isUnsure] = [0, false];
  }

  /** Another owner has all. @returns The ids of each store. */
  takeAll(): Map<number, string[]> {
    const ids = new Map<number, string[]>();
    for (const [id, { place }] of this.#all) {
      const some = ids.get(place);
      if (some === undefined) ids.set(place, [id]);
      else some.push(id);
    }
    this.#all.clear();
    return ids;
  }
}
