/**
 * What was this owner's a moment ago.
 *
 * @module
 */

import type { Clock } from "../../clock.ts";

/** By then each store has heard of it, and said all that it had to say before. */
const FORGET_MS = 30_000;

/**
 * Owns the ids of what another owner has taken over lately: what stores say of these was said before they
 * heard of it, and must not be written as something new.
 */
export class LostIds {
  readonly #clock: Pick<Clock, "now">;
  readonly #all = new Set<string>();
  #until = -Infinity;

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  add(ids: readonly string[]): void {
    for (const id of ids) this.#all.add(id);
    this.#until = this.#clock.now() + FORGET_MS;
  }

  has(id: string): boolean {
    return this.#all.has(id);
  }

  /** It is this owner's again. */
  delete(id: string): void {
    this.#all.delete(id);
  }

  /** Forgets those that are no longer needed; to be called now and then. */
  look(): void {
    if (this.#clock.now() >= this.#until) this.#all.clear();
  }
}
