/**
 * Whether the ledger has room.
 *
 * @module
 */

import type { Clock } from "../../clock.ts";
import type { Change } from "../unwritten.ts";
import type { Tried } from "./writing.ts";

/** A pause before what found no room is tried again. */
export const FULL_MS = 1000;

/**
 * Owns what found no room, and whether CALLs may be kept. A CALL is small, and finds room where no report does:
 * so none is kept as long as a report of an earlier one waits for room.
 */
export class Room {
  readonly #clock: Pick<Clock, "now">;
  readonly #changed: (isFull: boolean) => void;
  /** Ids of what waits for room. */
  readonly #without = new Set<string>();
  #isFull = false;
  #triedAt = -Infinity;

  constructor(clock: Pick<Clock, "now">, changed: (isFull: boolean) => void) {
    this.#clock = clock;
    this.#changed = changed;
  }

  /** Whether something found no room when it was tried last. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Whether a CALL may be tried. */
  get isThere(): boolean {
    if (!this.#isFull) return true;
    return this.#without.size === 0 && this.#clock.now() - this.#triedAt >= FULL_MS;
  }

  /** What came of a try. */
  note({ id, accept }: Pick<Change, "id" | "accept">, tried: Tried): void {
    if (tried === "full") {
      this.#triedAt = this.#clock.now();
      if (accept === undefined) this.#without.add(id);
    } else if (tried === "done") this.#without.delete(id);
    else return;
    const isFull = tried === "full" || this.#without.size > 0;
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    this.#changed(isFull);
  }

  /** Nothing waits any more: all is another one's. */
  clear(): void {
    this.#without.clear();
  }
}
