/**
 * Numbers that all threads of this process have together.
 *
 * @module
 */

const BYTES_PER_CELL = 8;

/**
 * One number of this thread's, and what it comes to over all threads.
 *
 * Each cell has one writer, so no update is lost; the others only read. An aligned cell is read as a
 * whole on the machines that this runs on, and a sum may be a moment old: of threads that check one
 * bound at the same time, each may pass it once.
 */
export class Cell {
  readonly #cells: Float64Array;
  readonly #at: number;
  readonly #columns: number;

  /** Without arguments: of a thread that is alone. */
  constructor(cells: Float64Array = new Float64Array(1), at = 0, columns = 1) {
    this.#cells = cells;
    this.#at = at;
    this.#columns = columns;
  }

  /** This thread's. */
  get own(): number {
    return this.#cells[this.#at]!;
  }

  set own(value: number) {
    this.#cells[this.#at] = value;
  }

  add(amount: number): void {
    this.#cells[this.#at]! += amount;
  }

  /** All threads' together. */
  get sum(): number {
    let sum = 0;
    for (let i = this.#at % this.#columns; i < this.#cells.length; i += this.#columns) {
      sum += this.#cells[i]!;
    }
    return sum;
  }

  /** The largest of all threads', never less than 0. */
  get max(): number {
    let max = 0;
    for (let i = this.#at % this.#columns; i < this.#cells.length; i += this.#columns) {
      max = Math.max(max, this.#cells[i]!);
    }
    return max;
  }

  /** The smallest of those of all threads that are above 0; 0 when none is. */
  get earliest(): number {
    let earliest = Infinity;
    for (let i = this.#at % this.#columns; i < this.#cells.length; i += this.#columns) {
      const value = this.#cells[i]!;
      if (value > 0) earliest = Math.min(earliest, value);
    }
    return earliest === Infinity ? 0 : earliest;
  }
}

/** The memory of a tally with this many numbers for each of this many threads. */
export function tallyBuffer(columns: number, threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer(threads * columns * BYTES_PER_CELL);
}

/**
 * One thread's row of numbers, among those of the others.
 *
 * @example Two threads see each other's
 * ```ts
 * import { Tally, tallyBuffer } from "./tally.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * const buffer = tallyBuffer(5, 2);
 * new Tally(5, buffer, 0).cell(4).add(3);
 * const other = new Tally(5, buffer, 1).cell(4);
 * strictEqual(other.own, 0);
 * strictEqual(other.sum, 3);
 * ```
 */
export class Tally {
  readonly #cells: Float64Array;
  readonly #columns: number;
  readonly #row: number;

  /**
   * @param columns How many numbers a thread has.
   * @param buffer From `tallyBuffer`; without it the thread is alone.
   * @param row This thread's, from 0; nobody else may write to it.
   */
  constructor(columns: number, buffer?: SharedArrayBuffer, row = 0) {
    this.#cells = buffer === undefined ? new Float64Array(columns) : new Float64Array(buffer);
    this.#columns = columns;
    this.#row = row;
  }

  /** @param row Another thread's, which must have ended: it has no other writer then. */
  cell(column: number, row: number = this.#row): Cell {
    return new Cell(this.#cells, row * this.#columns + column, this.#columns);
  }
}
