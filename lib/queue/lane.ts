/**
 * A bounded queue that keeps order.
 *
 * @module
 */

/** What may wait, for each direction. */
export interface QueueLimits {
  /** Messages. */
  readonly maxQueue: number;
  /** What their payloads may come to, in UTF-16 code units. */
  readonly maxQueueChars: number;
}

export interface LaneOptions<T> {
  /** Items that may wait behind the one being handled. */
  readonly maxWaiting: number;
  /** What their sizes may come to. */
  readonly maxSize: number;
  sizeOf(item: T): number;
  /**
   * Begins to handle an item: `Lane.done` or `Lane.broke` must follow, once, and may come before this
   * returns. A throw is a bug, goes to `failed`, and ends the item.
   */
  handle(item: T): void;
  /** Called each time when nothing is left. */
  onIdle(): void;
  /**
   * A bug: one of the functions above threw. The lane goes on with the next item.
   *
   * @param item What was being handled; undefined when none was. Its owner still has to end it.
   */
  failed(error: unknown, item: T | undefined): void;
}

/**
 * Owns what waits for its turn: items are handled one after the other in the order in which they came,
 * each only when the one before is done. Nothing waits while none is being handled.
 *
 * It never rejects, whatever its owner's functions do: a fault with one item costs that item at most.
 *
 * A lane that is idle holds nothing worth keeping: its owner drops it and makes a new one.
 */
export class Lane<T> {
  readonly #options: LaneOptions<T>;
  readonly #waiting: T[] = [];
  #size = 0;
  #current: T | undefined;
  /** Whether `handle` runs at this moment: what is done by then is followed by a loop, not by calls. */
  #isBeginning = false;

  constructor(options: LaneOptions<T>) {
    this.#options = options;
  }

  /** Items behind the one being handled. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** All items, the one being handled included. */
  get count(): number {
    return this.#waiting.length + (this.#current === undefined ? 0 : 1);
  }

  /** What their sizes come to. */
  get size(): number {
    return this.#size;
  }

  /** Whether an item more would not be taken. */
  get isFull(): boolean {
    const { maxWaiting, maxSize } = this.#options;
    return this.#current !== undefined &&
      (this.#waiting.length >= maxWaiting || this.#size >= maxSize);
  }

  /**
   * Adds an item; handling begins at once when the lane is idle.
   *
   * @returns False when the lane is full. The item was not taken then.
   */
  push(item: T): boolean {
    if (this.#current === undefined && !this.#isBeginning) {
      this.#run(item);
      return true;
    }
    if (this.isFull) return false;
    this.#size += this.#options.sizeOf(item);
    this.#waiting.push(item);
    return true;
  }

  /** The first item, of those that wait and the one being handled, that satisfies `test`. */
  find(test: (item: T) => boolean): T | undefined {
    return this.#current !== undefined && test(this.#current)
      ? this.#current
      : this.#waiting.find(test);
  }

  /** Takes out what waits; the item being handled goes on. */
  clear(): T[] {
    this.#size = 0;
    return this.#waiting.splice(0);
  }

  /** The item being handled is done: the next one begins. Of any other item it says nothing. */
  done(item: T): void {
    if (item !== this.#current) return;
    this.#current = undefined;
    if (this.#isBeginning) return;
    const next = this.#next();
    if (next === undefined) this.#idle();
    else this.#run(next);
  }

  /** The same for an item that a bug ends: `failed` is told. */
  broke(item: T, error: unknown): void {
    if (item !== this.#current) return;
    this.#tell(error, item);
    this.done(item);
  }

  #run(first: T): void {
    let item: T | undefined = first;
    while (item !== undefined) {
      this.#current = item;
      this.#isBeginning = true;
      try {
        this.#options.handle(item);
      } catch (error) {
        this.#current = undefined;
        this.#tell(error, item);
      }
      this.#isBeginning = false;
      if (this.#current !== undefined) return;
      item = this.#next();
    }
    this.#idle();
  }

  #idle(): void {
    try {
      this.#options.onIdle();
    } catch (error) {
      this.#tell(error, undefined);
    }
  }

  #next(): T | undefined {
    const item = this.#waiting.shift();
    try {
      if (item !== undefined) this.#size -= this.#options.sizeOf(item);
    } catch (error) {
      this.#tell(error, undefined);
    }
    return item;
  }

  #tell(error: unknown, item: T | undefined): void {
    try {
      this.#options.failed(error, item);
    } catch {
      // Nobody is left to be told.
    }
  }
}
