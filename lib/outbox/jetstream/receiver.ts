/**
 * Which store gets what is found and inherited.
 *
 * @module
 */

import type { Found } from "../store.ts";
import { MAIN } from "../thread/message.ts";
import type { Places } from "../thread/places.ts";

/** Owns which store that is: the first one that asked what was left; as an answer, as long as it asks. */
export class Receiver {
  readonly #places: Pick<Places, "post">;
  #owner: number | undefined;
  #ask: number | undefined;

  constructor(places: Pick<Places, "post">) {
    this.#places = places;
  }

  get owner(): number {
    return this.#owner ?? MAIN;
  }

  /** Whether a store has asked. */
  get isKnown(): boolean {
    return this.#owner !== undefined;
  }

  /** Whether a store waits for its answer. */
  get isAsking(): boolean {
    return this.#ask !== undefined;
  }

  /** A store asks. */
  asks(owner: number, ask: number): void {
    this.#owner = owner;
    this.#ask = ask;
  }

  /** It has its answer; what is found from now on is inherited. */
  isAnswered(): void {
    this.#ask = undefined;
  }

  /** The thread of one has died. */
  died(owner: number, heir: number): void {
    if (this.#owner === owner) this.#owner = heir;
  }

  hand(found: Found): void {
    this.#places.post(
      this.owner,
      this.#ask === undefined
        ? { kind: "inherited", ...found }
        : { kind: "found", ask: this.#ask, ...found, isLast: false },
    );
  }
}
