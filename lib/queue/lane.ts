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
  /** Handles one item. It owns its errors: a throw or rejection is a bug, and goes to `failed`. */
  handle(item: T): Promise<void>;
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
    if (this.#current === undefined) {
      void this.#run(item);
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

  async #run(first: T): Promise<void> {
    const options = this.#options;
    let item: T | undefined = first;
    while (item !== undefined) {
      this.#current = item;
      try {
        await options.handle(item);
      } catch (error) {
        this.#tell(error, item);
      }
      item = this.#next();
    }
    this.#current = undefined;
    try {
      options.onIdle();
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
