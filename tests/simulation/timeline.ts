/**
 * The one time of a simulated world.
 *
 * @module
 */

/** Something that will happen; `null` when it was called off. */
export interface Due {
  readonly at: number;
  readonly order: number;
  run: (() => void) | null;
}

/**
 * Owns what is to happen, and lets it happen one after the other: by its time, and at one time in the
 * order in which it was put there. Time stands still while something happens.
 */
export class Timeline {
  /** A heap: each one is before its children, which are at 2n + 1 and 2n + 2. */
  readonly #heap: Due[] = [];
  #order = 0;
  #now = 0;

  /** Milliseconds since the world began. */
  get now(): number {
    return this.#now;
  }

  /** Has something happen after so many milliseconds. */
  after(ms: number, run: () => void): Due {
    return this.at(this.#now + Math.max(0, ms), run);
  }

  at(ms: number, run: () => void): Due {
    const due: Due = { at: Math.max(ms, this.#now), order: this.#order++, run };
    let i = this.#heap.length;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(due, this.#heap[parent]!)) break;
      this.#heap[i] = this.#heap[parent]!;
      i = parent;
    }
    this.#heap[i] = due;
    return due;
  }

  /** Lets the next thing happen. @returns False when there is none, or none until `end`. */
  step(end: number): boolean {
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.at > end) return false;
      this.#shift();
      if (next.run === null) continue;
      this.#now = next.at;
      next.run();
      return true;
    }
  }

  /** Nothing is left to happen until then. */
  passTo(ms: number): void {
    this.#now = Math.max(this.#now, ms);
  }

  #shift(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
  }
}

function isBefore(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
