/**
 * What waits in order.
 *
 * @module
 */

/** First in, first out, without moving the rest at each shift. */
export class Queue<T> {
  #items: T[] = [];
  #head = 0;

  /** Items that wait. */
  get length(): number {
    return this.#items.length - this.#head;
  }

  /** The first one, which stays; undefined when there is none. */
  peek(): T | undefined {
    return this.#items[this.#head];
  }

  /** Puts one at the end. */
  push(item: T): void {
    this.#items.push(item);
  }

  /** Takes the first one; undefined when there is none. */
  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#head++;
    if (this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
