/**
 * Lanes that may go, the one with the oldest report first.
 *
 * @module
 */

import type { ReportLane } from "./report_lane.ts";

/**
 * A heap of lanes by the number of their first report. A lane that is `gone` is passed over, and does
 * not take memory for long: there are never more of those than of others.
 */
export class LaneOrder {
  #heap: ReportLane[] = [];
  #gone = 0;

  /** Lanes that may go. */
  get size(): number {
    return this.#heap.length - this.#gone;
  }

  /** Puts a lane in; its `key` is set, and it is in no order. */
  push(lane: ReportLane): void {
    this.#heap.push(lane);
    this.#up(this.#heap.length - 1);
  }

  /** Takes out the one with the oldest report; undefined when there is none. */
  pop(): ReportLane | undefined {
    while (this.#heap.length > 0) {
      const lane = this.#popAny();
      if (lane.state !== "gone") return lane;
      this.#gone--;
    }
    return undefined;
  }

  /** One of those in it has become `gone`. */
  lost(): void {
    this.#gone++;
    if (2 * this.#gone <= this.#heap.length) return;
    // A sorted list is a heap.
    this.#heap = this.#heap.filter(({ state }) => state !== "gone").sort((a, b) => a.key - b.key);
    this.#gone = 0;
  }

  #popAny(): ReportLane {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length > 0) {
      heap[0] = last;
      this.#down(0);
    }
    return first;
  }

  #up(from: number): void {
    const heap = this.#heap;
    for (let at = from; at > 0;) {
      const parent = (at - 1) >> 1;
      if (heap[parent]!.key <= heap[at]!.key) return;
      [heap[parent], heap[at]] = [heap[at]!, heap[parent]!];
      at = parent;
    }
  }

  #down(from: number): void {
    const heap = this.#heap;
    for (let at = from;;) {
      const left = 2 * at + 1;
      if (left >= heap.length) return;
      const right = left + 1;
      const least = right < heap.length && heap[right]!.key < heap[left]!.key ? right : left;
      if (heap[at]!.key <= heap[least]!.key) return;
      [heap[at], heap[least]] = [heap[least]!, heap[at]!];
      at = least;
    }
  }
}
