/**
 * CALLs that other instances accepted with 202 for clients of this one.
 *
 * @module
 */

import type { ClaimedOutcome, Errand } from "../../client/outgoing.ts";
import type { Clock } from "../../clock.ts";
import { DOUBT_MS, GIVE_UP_MS, LOST_MS } from "../times.ts";
import { MAX_NUMBERS, type Pong } from "./note.ts";
import type { Proof } from "./proof.ts";

export interface ErrandsOptions {
  readonly clock: Clock;
  readonly proof: Pick<Proof, "at" | "assume">;
  /** Asks an instance whether this is still to be reported here; undefined when it does not say. */
  readonly claim: (peerId: string, number: number) => Promise<boolean | undefined>;
  /** Tells an instance that the CALL with this number has been reported. */
  readonly tellEnded: (peerId: string, number: number) => void;
}

/** So many words of ends are said again after a cut. */
const MAX_ENDED = 5000;

/** One CALL that was taken. */
interface Taken {
  readonly epoch: number;
  /**
   * Whose it is to report the outcome: this instance's towards the one that accepted it; this one's alone,
   * since the other has gone; nobody's, since the other has reported it.
   */
  fate: "owed" | "own" | "reported";
  /** Set while it has ended, and whether this instance reports it is not known. */
  open: ClaimedOutcome | undefined;
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
  /** When each of them asked for something the last time. */
  readonly #askedAt = new Map<string, number>();
  /** Those whose end was told lately, in order: the word may have been lost in a cut. */
  #ended: { readonly from: string; readonly number: number; readonly at: number }[] = [];
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
    const taken: Taken = { epoch: this.#epoch, fate: "owed", open: undefined };
    const open = this.#open.get(from) ?? new Map<number, Taken>();
    this.#open.set(from, open.set(number, taken));
    this.#askedAt.set(from, this.#options.clock.now());
    return {
      claim: (outcome) => this.#claim(from, number, taken, outcome),
      ended: () => {
        this.drop(from, number);
        this.#options.tellEnded(from, number);
        this.#remember(from, number);
      },
    };
  }

  /** It was not taken, or has been reported. */
  drop(from: string, number: number): void {
    this.#takeOut(from, number, "reported");
  }

  /** An instance left: what it was owed is this instance's own now. */
  dropAll(from: string): void {
    for (const number of [...this.#open.get(from)?.keys() ?? []]) {
      this.#takeOut(from, number, "own");
    }
  }

  /** What others may have reported that have gone without a word is this instance's own. */
  takeOver(isGone: (peerId: string) => boolean): void {
    for (const [from, all] of [...this.#open]) {
      if (!isGone(from)) continue;
      for (const [number, { epoch, open }] of [...all]) {
        if (epoch !== this.#epoch || open !== undefined) this.#takeOut(from, number, "own");
      }
    }
  }

  /** It is known whose it is, and nothing is owed any more. */
  #takeOut(from: string, number: number, fate: "own" | "reported"): void {
    const all = this.#open.get(from);
    const taken = all?.get(number);
    if (all === undefined || taken === undefined) return;
    all.delete(number);
    if (all.size === 0) {
      this.#open.delete(from);
      this.#askedAt.delete(from);
    }
    taken.fate = fate;
    this.#settle(taken, fate === "own");
  }

  #settle(taken: Taken, isOurs: boolean): void {
    const { open } = taken;
    taken.open = undefined;
    if (isOurs) open?.report();
    else open?.drop();
  }

  /** Answers an instance that asks what of all these is still owed to it. */
  pong(peerId: string, numbers: readonly number[]): Pong {
    if (this.#open.has(peerId)) this.#askedAt.set(peerId, this.#options.clock.now());
    this.#giveUpIfCut();
    const ended = numbers.filter((number) => !this.#has(peerId, number));
    // What is not owed to the other instance any more, it has reported itself.
    if (numbers.length < MAX_NUMBERS) this.#forgetGivenUp(peerId, numbers);
    return { epoch: this.#epoch, ended };
  }

  #remember(from: string, number: number): void {
    this.#ended.push({ from, number, at: this.#options.clock.now() });
    if (this.#ended.length >= 2 * MAX_ENDED) this.#ended = this.#ended.slice(-MAX_ENDED);
  }

  /** NATS can be reached again: what was told before the cut may not have left. */
  connected(): void {
    const since = this.#options.clock.now() - LOST_MS;
    this.#ended = this.#ended.filter(({ at }) => at >= since);
    for (const { from, number } of this.#ended) this.#options.tellEnded(from, number);
  }

  #claim(from: string, number: number, taken: Taken, outcome: ClaimedOutcome): void {
    if (taken.fate === "reported") return outcome.drop();
    // Who accepted it has gone: nobody else will report it.
    if (taken.fate === "own") return outcome.report();
    this.#giveUpIfCut();
    const isGivenUp = taken.epoch !== this.#epoch;
    if (!isGivenUp && this.#wasAsked(from)) return outcome.report();
    taken.open = outcome;
    if (isGivenUp) return;
    outcome.hold();
    void this.#ask(from, number, taken);
  }

  /** Whether the other asked lately, and was answered: it does not report anything of itself soon. */
  #wasAsked(from: string): boolean {
    const askedAt = this.#askedAt.get(from) ?? -Infinity;
    return this.#options.clock.now() - askedAt < DOUBT_MS;
  }

  /** Never rejects: `claim` does not. */
  async #ask(from: string, number: number, taken: Taken): Promise<void> {
    const { claim, proof } = this.#options;
    const isOwed = await claim(from, number);
    if (taken.open === undefined) return;
    if (isOwed === false) return this.#takeOut(from, number, "reported");
    // Without a word it is away, or this instance is: then what the other can know counts.
    if (isOwed === undefined) this.#giveUpIfCut();
    if (taken.epoch !== this.#epoch) return taken.open.setAside();
    // It heard of this instance just now.
    if (isOwed === true) proof.assume();
    this.#settle(taken, true);
  }

  #has(from: string, number: number): boolean {
    return this.#open.get(from)?.has(number) === true;
  }

  #forgetGivenUp(peerId: string, owed: readonly number[]): void {
    const isOwed = new Set(owed);
    for (const [number, { epoch }] of [...this.#open.get(peerId) ?? []]) {
      // Its client may still answer.
      if (epoch !== this.#epoch && !isOwed.has(number)) this.#takeOut(peerId, number, "reported");
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
