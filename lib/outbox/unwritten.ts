/**
 * What a store was told and has not written yet.
 *
 * @module
 */

import type { AcceptedCall, KeptReport, Parked } from "./entry.ts";

/** What is to be written of one id. */
export interface Change {
  readonly id: string;
  /** Who told it, where that counts. */
  owner: number;
  accept: AcceptedCall | undefined;
  end: KeptReport | undefined;
  /** Null: it is not parked any more; undefined: nothing was said of that. */
  park: Parked | null | undefined;
  /** All that was said before it is void. */
  isDelivered: boolean;
}

export interface Bounds {
  readonly maxChanges: number;
  /** UTF-16 code units of the reports' bodies. */
  readonly maxChars: number;
}

/** Far more than may wait for the backend by default. */
export const BOUNDS: Bounds = { maxChanges: 500_000, maxChars: 256 * 1024 ** 2 };

/**
 * Owns what is to be written, one change for each id, in the order in which ids came.
 *
 * Always true: a change says what its id's entry comes to; `chars` is that of all bodies in it.
 */
export class Unwritten {
  readonly #bounds: Bounds;
  readonly #changes = new Map<string, Change>();
  /** Where `shift` is. A walk from the beginning would pass by all that was taken out before. */
  #next: IterableIterator<Change> | undefined;
  #chars = 0;

  constructor(bounds: Bounds = BOUNDS) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#changes.size;
  }

  /** Whether there is room for no other id. */
  get isFull(): boolean {
    return this.#changes.size >= this.#bounds.maxChanges;
  }

  get(id: string): Change | undefined {
    return this.#changes.get(id);
  }

  values(): IterableIterator<Change> {
    return this.#changes.values();
  }

  accept(call: AcceptedCall, owner = 0): void {
    const change = this.#of(call.id, owner);
    this.#setEnd(change, undefined);
    change.park = undefined;
    change.isDelivered = false;
    change.accept = call;
  }

  /** @returns False when there is no room for it: nothing is noted then. */
  end(report: KeptReport, owner = 0): boolean {
    if (!this.#hasRoom(report)) return false;
    const change = this.#of(report.id, owner);
    this.#setEnd(change, report);
    change.park = undefined;
    change.isDelivered = false;
    return true;
  }

  park(id: string, parked: Parked | undefined, owner = 0): void {
    if (this.isFull && !this.#changes.has(id)) return;
    const change = this.#of(id, owner);
    if (change.end === undefined) change.park = parked ?? null;
    else this.#setEnd(change, { ...change.end, parked });
  }

  /** Where there is no room the entry stays, and its report comes once more after the next start. */
  delivered(id: string, owner = 0): void {
    if (this.isFull && !this.#changes.has(id)) return;
    const change = this.#of(id, owner);
    this.#setEnd(change, undefined);
    change.park = undefined;
    change.isDelivered = true;
  }

  /** Adds what another one noted. @returns False when there was no room for a report in it. */
  merge({ id, accept, end, park, isDelivered }: Change, owner: number): boolean {
    let hadRoom = true;
    if (accept !== undefined) this.accept(accept, owner);
    if (end !== undefined) hadRoom = this.end(end, owner);
    if (park !== undefined) this.park(id, park ?? undefined, owner);
    if (isDelivered) this.delivered(id, owner);
    return hadRoom;
  }

  /** The first ones: at most so many, and with bodies of about so many UTF-16 code units. */
  first(maxChanges: number, maxChars: number): Change[] {
    const first: Change[] = [];
    let chars = 0;
    for (const change of this.#changes.values()) {
      if (first.length >= maxChanges || chars >= maxChars) break;
      first.push(change);
      chars += charsOf(change.end);
    }
    return first;
  }

  /** Takes the first ones out, at most so many. */
  shift(max: number): Change[] {
    const first: Change[] = [];
    while (first.length < max && this.#changes.size > 0) {
      this.#next ??= this.#changes.values();
      const { value: change } = this.#next.next();
      if (change === undefined) this.#next = undefined;
      else {
        this.remove(change.id);
        first.push(change);
      }
    }
    return first;
  }

  /** Takes all out. */
  take(): Change[] {
    const all = [...this.#changes.values()];
    this.#changes.clear();
    this.#chars = 0;
    return all;
  }

  remove(id: string): void {
    const change = this.#changes.get(id);
    if (change === undefined) return;
    this.#chars -= charsOf(change.end);
    this.#changes.delete(id);
  }

  /** Forgets that CALLs were to be accepted; what else was said of them stays. */
  dropAccepts(): void {
    for (const change of this.#changes.values()) {
      if (change.accept === undefined) continue;
      change.accept = undefined;
      if (change.end === undefined && !change.isDelivered) this.#changes.delete(change.id);
    }
  }

  #of(id: string, owner: number): Change {
    let change = this.#changes.get(id);
    if (change === undefined) {
      change = {
        ...{ id, owner, accept: undefined, end: undefined, park: undefined, isDelivered: false },
      };
      this.#changes.set(id, change);
    }
    change.owner = owner;
    return change;
  }

  #hasRoom(report: KeptReport): boolean {
    return (!this.isFull || this.#changes.has(report.id)) &&
      this.#chars + charsOf(report) <= this.#bounds.maxChars;
  }

  #setEnd(change: Change, end: KeptReport | undefined): void {
    this.#chars += charsOf(end) - charsOf(change.end);
    change.end = end;
  }
}

function charsOf(end: KeptReport | undefined): number {
  return end === undefined ? 0 : end.report.body.length;
}
