/**
 * CALLs that this instance accepted with 202 for clients of other instances.
 *
 * @module
 */

import type { CallNames, Client } from "../bus.ts";

interface Entry {
  readonly peerId: string;
  readonly client: Client;
  readonly call: CallNames;
  /** The other instance's epoch when it took the CALL; undefined until it did. */
  epoch: number | undefined;
}

/**
 * Owns what others owe, so that it can be reported here when they go.
 *
 * Always true: a CALL is in it from before it is given away until it was refused or reported, or was
 * taken out as lost; only one that was taken is taken out as lost. No number is given twice.
 */
export class Ledger {
  readonly #entries = new Map<number, Entry>();
  #last = 0;

  get size(): number {
    return this.#entries.size;
  }

  /** Instances that owe something, each once. */
  get debtors(): string[] {
    return [...new Set(Array.from(this.#entries.values(), ({ peerId }) => peerId))];
  }

  /**
   * Numbers of what an instance has not ended, the oldest first. What it is not known to have taken is
   * among them: it forgets what it gave up and is not asked for.
   */
  owedBy(peerId: string, limit: number): number[] {
    const numbers: number[] = [];
    for (const [number, entry] of this.#entries) {
      if (numbers.length === limit) break;
      if (entry.peerId === peerId) numbers.push(number);
    }
    return numbers;
  }

  /** Whether an instance took this one, and has not ended it. */
  isOwedBy(peerId: string, number: number): boolean {
    return this.#entries.get(number)?.peerId === peerId;
  }

  /** A CALL is about to be given to another instance. @returns Its number. */
  enter(peerId: string, client: Client, call: CallNames): number {
    this.#last++;
    this.#entries.set(this.#last, { peerId, client, call, epoch: undefined });
    return this.#last;
  }

  /** The other instance took it. */
  accepted(number: number, epoch: number): void {
    const entry = this.#entries.get(number);
    if (entry !== undefined) entry.epoch = epoch;
  }

  /** An instance that was asked has nothing with this number: it was reported, if it was taken. */
  endedThere(number: number): void {
    if (this.#entries.get(number)?.epoch !== undefined) this.#entries.delete(number);
  }

  /** It was reported, or not taken. */
  ended(number: number): void {
    this.#entries.delete(number);
  }

  /**
   * Takes out what an instance took and will not report any more.
   *
   * @param epoch What it took in another epoch it has given up; null when it has gone.
   */
  takeLost(peerId: string, epoch: number | null): { client: Client; call: CallNames }[] {
    const lost: Entry[] = [];
    for (const [number, entry] of this.#entries) {
      if (entry.peerId !== peerId || entry.epoch === undefined || entry.epoch === epoch) continue;
      this.#entries.delete(number);
      lost.push(entry);
    }
    return lost;
  }
}
