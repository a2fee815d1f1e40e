/**
 * A bounded queue that keeps order.
 *
 * @module
 */

/**
 * Handles items one after the other, each only when the one before is done.
 *
 * A lane that is idle holds nothing worth keeping: its owner drops it and makes a new one.
 */
export class Lane<T> {
  readonly #handle: (item: T) => Promise<void>;
  readonly #onIdle: () => void;
  readonly #maxWaiting: number;
  readonly #waiting: T[] = [];
  #current: T | undefined;

  /**
   * @param maxWaiting Items that may wait behind the one being handled.
   * @param handle Handles one item. It owns its errors: a rejection is a bug.
   * @param onIdle Called each time when nothing is left.
   */
  constructor(maxWaiting: number, handle: (item: T) => Promise<void>, onIdle: () => void) {
    this.#maxWaiting = maxWaiting;
    this.#handle = handle;
    this.#onIdle = onIdle;
  }

  /** Items behind the one being handled. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Adds an item; handling begins at once when the lane is idle.
   *
   * @returns False when the lane is full. The item was not taken then.
   */
  push(item: T): boolean {
    if (this.#current === undefined) {
      void this.#run(item);
      return true;
    }
    if (this.#waiting.length >= this.#maxWaiting) return false;
    this.#waiting.push(item);
    return true;
  }

  /** Whether an item that waits or is being handled satisfies `test`. */
  some(test: (item: T) => boolean): boolean {
    return (this.#current !== undefined && test(this.#current)) || this.#waiting.some(test);
  }

  async #run(first: T): Promise<void> {
    let item: T | undefined = first;
    while (item !== undefined) {
      this.#current = item;
      await this.#handle(item);
      item = this.#waiting.shift();
    }
    this.#current = undefined;
    this.#onIdle();
  }
}
