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
export class TurnGate<T> {
  readonly #perTurn: number;
  readonly #clock: Clock;
  readonly #work: (item: T) => void;
  readonly #held = new Queue<T>();
  readonly #canWait = new Queue<T>();
  #begun = 0;

  /** @param work Begins an item. Does not throw. */
  constructor(perTurn: number, clock: Clock, work: (item: T) => void) {
    this.#perTurn = perTurn;
    this.#clock = clock;
    this.#work = work;
  }

  /** Whether what comes now begins at once. */
  get isOpen(): boolean {
    return this.#begun < this.#perTurn && this.#held.length + this.#canWait.length === 0;
  }

  /**
   * Begins an item, now or in its turn.
   *
   * @param canWait Whether other things that are held go before it.
   */
  begin(item: T, canWait = false): void {
    if (this.isOpen) this.#begin(item);
    else (canWait ? this.#canWait : this.#held).push(item);
  }

  #begin(item: T): void {
    // At low load the turn's end is not asked for, which costs nothing then.
    if (++this.#begun === Math.ceil(this.#perTurn / 2)) {
      this.#clock.setImmediate(() => this.#nextTurn());
    }
    this.#work(item);
  }

  #nextTurn(): void {
    this.#begun = 0;
    while (this.#begun < this.#perTurn) {
      const isLast = this.#begun === this.#perTurn - 1;
      const [first, second] = isLast ? [this.#canWait, this.#held] : [this.#held, this.#canWait];
      const item = first.shift() ?? second.shift();
      if (item === undefined) return;
      this.#begin(item);
    }
  }
}
