/**
 * CALLs that other instances accepted with 202 for clients of this one.
 *
 * @module
 */

import type { Errand } from "../../client/outgoing.ts";
import type { Clock } from "../../clock.ts";
import { GIVE_UP_MS } from "../times.ts";
import { MAX_NUMBERS, type Pong } from "./note.ts";
import type { Proof } from "./proof.ts";

export interface ErrandsOptions {
  readonly clock: Clock;
  readonly proof: Pick<Proof, "at" | "assume">;
  /** Tells an instance that the CALL with this number has been reported. */
  readonly tellEnded: (peerId: string, number: number) => void;
}

/** A CALL that was taken. */
interface Taken {
  /** In which epoch. */
  readonly epoch: number;
  /** Whoever accepted it has reported it. */
  isReported: boolean;
  /** Set when it has ended, and whoever accepted it may report that. */
  kept: { readonly report: () => void; readonly drop: () => void } | undefined;
}

/**
 * Owns what this instance owes others: by instance, each CALL by its number.
 *
 * Always true: what was taken in an epoch before the present one is not reported here, unless whoever
 * accepted it has gone; when it ends its outcome is kept until one of both is certain. An epoch ends when
 * NATS has not answered for so long that others may report what they are owed. An instance that is owed
 * nothing is not in it.
 */
export class Errands {
  readonly #options: ErrandsOptions;
  readonly #open = new Map<string, Map<number, Taken>>();
  #gaveUpAt = 0;
  /** Counts how often this instance gave up what it had taken from others. */
  #epoch = 0;

  constructor(options: ErrandsOptions) {
    this.#options = options;
  }

  get epoch(): number {
    return this.#epoch;
  }

  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  /** A CALL is about to be taken. @returns What its end asks and tells. */
  take(from: string, number: number): Errand {
    if (this.isEmpty) this.#options.proof.assume();
    else this.#giveUpIfCut();
    const epoch = this.#epoch;
    const open = this.#open.get(from) ?? new Map<number, Taken>();
    const taken: Taken = { epoch, isReported: false, kept: undefined };
    this.#open.set(from, open.set(number, taken));
    return {
      claim: (report, drop) => {
        this.#giveUpIfCut();
        if (taken.isReported) return drop();
        // When who accepted it has gone, nobody else will report it.
        if (!this.#has(from, number) || this.#epoch === epoch) report();
        else taken.kept = { report, drop };
      },
      ended: () => {
        this.drop(from, number);
        this.#options.tellEnded(from, number);
      },
    };
  }

  /** It was not taken, or has been reported. */
  drop(from: string, number: number): void {
    this.#takeOut(from, number)?.kept?.drop();
  }

  /** An instance left: what it was owed is this instance's own now. */
  dropAll(from: string): void {
    const all = this.#open.get(from)?.values() ?? [];
    this.#open.delete(from);
    for (const { kept } of all) kept?.report();
  }

  /** What was given up, and was accepted by instances that have gone without a word, is this instance's own. */
  takeOver(isGone: (peerId: string) => boolean): void {
    for (const [from, open] of [...this.#open]) {
      if (!isGone(from)) continue;
      for (const [number, { epoch, kept }] of [...open]) {
        if (epoch === this.#epoch) continue;
        this.#takeOut(from, number);
        kept?.report();
      }
    }
  }

  #takeOut(from: string, number: number): Taken | undefined {
    const open = this.#open.get(from);
    const taken = open?.get(number);
    open?.delete(number);
    if (open?.size === 0) this.#open.delete(from);
    return taken;
  }

  /** Answers an instance that asks what of all these is still owed to it. */
  pong(peerId: string, numbers: readonly number[]): Pong {
    this.#giveUpIfCut();
    const ended = numbers.filter((number) => !this.#has(peerId, number));
    // What is not owed to the other instance any more, it has reported itself.
    if (numbers.length < MAX_NUMBERS) this.#forgetGivenUp(peerId, numbers);
    return { epoch: this.#epoch, ended };
  }

  #has(from: string, number: number): boolean {
    return this.#open.get(from)?.has(number) === true;
  }

  #forgetGivenUp(peerId: string, owed: readonly number[]): void {
    const isOwed = new Set(owed);
    for (const [number, taken] of [...this.#open.get(peerId) ?? []]) {
      if (taken.epoch === this.#epoch || isOwed.has(number)) continue;
      taken.isReported = true;
      this.drop(peerId, number);
    }
  }

  /** Others may have reported what they are owed when they have not heard of this instance for long. */
  #giveUpIfCut(): void {
    const { clock, proof } = this.#options;
    const now = clock.now();
    if (now - Math.max(proof.at, this.#gaveUpAt) < GIVE_UP_MS) return;
    this.#epoch++;
    this.#gaveUpAt = now;
  }
}
