/**
 * A share of each turn of the event loop.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { Queue } from "./queue.ts";

/**
 * Lets so much begin in one turn of the event loop, and the rest in the next ones, in order. It makes
 * nothing slower: what is held back is what this thread has no time for, and then others have theirs.
 *
 * While anything is held, the end of the turn is waited for: nothing is held for good.
 */
export class TurnGate {
  readonly #perTurn: number;
  readonly #clock: Clock;
  readonly #held = new Queue<() => void>();
  #begun = 0;

  constructor(perTurn: number, clock: Clock) {
    this.#perTurn = perTurn;
    this.#clock = clock;
  }

  /** Whether what comes now begins at once. */
  get isOpen(): boolean {
    return this.#begun < this.#perTurn && this.#held.length === 0;
  }

  /** Begins something, now or in its turn. */
  begin<T>(work: () => T | Promise<T>): T | Promise<T> {
    if (this.isOpen) {
      this.#count();
      return work();
    }
    return new Promise((resolve, reject) => {
      this.#held.push(() => {
        this.#count();
        try {
          resolve(work());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  #count(): void {
    // At low load the turn's end is not asked for, which costs nothing then.
    if (++this.#begun === Math.ceil(this.#perTurn / 2)) {
      this.#clock.setImmediate(() => this.#nextTurn());
    }
  }

  #nextTurn(): void {
    this.#begun = 0;
    for (let i = 0; i < this.#perTurn; i++) this.#held.shift()?.();
  }
}
