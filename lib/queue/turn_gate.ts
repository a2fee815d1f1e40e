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
  readonly #perTurn: () => number;
  readonly #clock: Clock;
  readonly #work: (item: T) => void;
  readonly #held = new Queue<T>();
  readonly #canWait = new Queue<T>();
  #begun = 0;
  /** Whether the end of this turn is waited for. */
  #isAwaited = false;

  /**
   * @param perTurn How many may begin in a turn, 1 or more. It may be another number each time.
   * @param work Begins an item. Does not throw.
   */
  constructor(perTurn: () => number, clock: Clock, work: (item: T) => void) {
    this.#perTurn = perTurn;
    this.#clock = clock;
    this.#work = work;
  }

  /** Whether what comes now begins at once. */
  get isOpen(): boolean {
    return this.#held.length + this.#canWait.length === 0 && this.#begun < this.#perTurn();
  }

  /**
   * Begins an item, now or in its turn.
   *
   * @param canWait Whether other things that are held go before it.
   */
  begin(item: T, canWait = false): void {
    if (this.isOpen) return this.#begin(item);
    (canWait ? this.#canWait : this.#held).push(item);
    this.#awaitTurn();
  }

  #begin(item: T): void {
    // At low load the turn's end is not asked for, which costs nothing then.
    if (++this.#begun * 2 >= this.#perTurn()) this.#awaitTurn();
    this.#work(item);
  }

  #awaitTurn(): void {
    if (this.#isAwaited) return;
    this.#isAwaited = true;
    this.#clock.setImmediate(() => this.#nextTurn());
  }

  #nextTurn(): void {
    this.#isAwaited = false;
    this.#begun = 0;
    while (this.#begun < this.#perTurn()) {
      const isLast = this.#begun === this.#perTurn() - 1;
      const [first, second] = isLast ? [this.#canWait, this.#held] : [this.#held, this.#canWait];
      const item = first.shift() ?? second.shift();
      if (item === undefined) return;
      this.#begin(item);
    }
    this.#awaitTurn();
  }
}
