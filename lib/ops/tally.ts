/**
 * Numbers that all threads of this process have together.
 *
 * @module
 */

import { COUNTER_NAMES, type Counters, createCounters } from "./counters.ts";

/** What goes up and down, beside the counters. */
const GAUGES = ["sockets", "waiting", "waitingChars"] as const;

export type GaugeName = (typeof GAUGES)[number];

const COLUMNS = GAUGES.length + COUNTER_NAMES.length;
const BYTES_PER_CELL = 8;

/**
 * One number of this thread's, and its sum over all threads.
 *
 * Each cell has one writer, so no update is lost; the others only read. An aligned cell is read as a
 * whole on the machines that this runs on, and a sum may be a moment old: of threads that check one
 * bound at the same time, each may pass it once.
 */
export class Gauge {
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
    this.own += amount;
  }

  /** All threads' together. */
  get sum(): number {
    let sum = 0;
    for (let i = this.#at % this.#columns; i < this.#cells.length; i += this.#columns) {
      sum += this.#cells[i]!;
    }
    return sum;
  }
}

/** The memory of a tally for this many threads; to be handed to each. */
export function tallyBuffer(threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer(threads * COLUMNS * BYTES_PER_CELL);
}

/**
 * One thread's row of numbers, among those of the others.
 *
 * @example Two threads see each other's
 * ```ts
 * import { Tally, tallyBuffer } from "./tally.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * const buffer = tallyBuffer(2);
 * new Tally(buffer, 0).gauge("sockets").add(3);
 * const other = new Tally(buffer, 1);
 * other.counters.faults++;
 * strictEqual(other.gauge("sockets").own, 0);
 * strictEqual(other.gauge("sockets").sum, 3);
 * ```
 */
export class Tally {
  readonly #cells: Float64Array;
  readonly #row: number;
  /** This thread's counters, to be increased. */
  readonly counters: Counters;
  /** Those of all threads together. */
  readonly totals: Readonly<Counters>;

  /**
   * Without arguments: of a thread that is alone.
   *
   * @param buffer From `tallyBuffer`.
   * @param row This thread's, from 0; nobody else may write to it.
   */
  constructor(buffer?: SharedArrayBuffer, row = 0) {
    this.#cells = buffer === undefined ? new Float64Array(COLUMNS) : new Float64Array(buffer);
    this.#row = row;
    if (buffer === undefined) {
      this.totals = this.counters = createCounters();
      return;
    }
    this.counters = this.#view((gauge) => ({
      get: () => gauge.own,
      set: (value) => gauge.own = value,
    }));
    this.totals = this.#view((gauge) => ({ get: () => gauge.sum }));
  }

  gauge(name: GaugeName, row: number = this.#row): Gauge {
    return this.#cell(row, GAUGES.indexOf(name));
  }

  /** A thread has ended: it holds nothing any more. What it counted stays. */
  clearGauges(row: number): void {
    for (const name of GAUGES) this.gauge(name, row).own = 0;
  }

  #cell(row: number, column: number): Gauge {
    return new Gauge(this.#cells, row * COLUMNS + column, COLUMNS);
  }

  #view(
    access: (gauge: Gauge) => { get: () => number; set?: (value: number) => void },
  ): Counters {
    const view = {};
    for (const [i, name] of COUNTER_NAMES.entries()) {
      const gauge = this.#cell(this.#row, GAUGES.length + i);
      Object.defineProperty(view, name, { enumerable: true, ...access(gauge) });
    }
    return view as Counters;
  }
}
