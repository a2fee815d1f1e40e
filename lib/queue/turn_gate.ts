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
 * What can wait goes behind all else that is held, but for one of it in each turn.
 *
 * While anything is held, the end of the turn is waited for: nothing is held for good.
 */
export class TurnGate {
  readonly #perTurn: number;
  readonly #clock: Clock;
  readonly #held = new Queue<() => void>();
  readonly #canWait = new Queue<() => void>();
  #begun = 0;

  constructor(perTurn: number, clock: Clock) {
    this.#perTurn = perTurn;
    this.#clock = clock;
  }

  /** Whether what comes now begins at once. */
  get isOpen(): boolean {
    return this.#begun < this.#perTurn && this.#held.length + this.#canWait.length === 0;
  }

  /**
   * Begins something, now or in its turn.
   *
   * @param canWait Whether other things that are held go before it.
   */
  begin<T>(work: () => T | Promise<T>, canWait = false): T | Promise<T> {
    if (this.isOpen) {
      this.#count();
      return work();
    }
    return new Promise((resolve, reject) => {
      (canWait ? this.#canWait : this.#held).push(() => {
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
    while (this.#begun < this.#perTurn) {
      const isLast = this.#begun === this.#perTurn - 1;
      const [first, second] = isLast ? [this.#canWait, this.#held] : [this.#held, this.#canWait];
      const begin = first.shift() ?? second.shift();
      if (begin === undefined) return;
      begin();
    }
  }
}
