/**
 * Kinds of metrics, as Prometheus knows them: a family has a name, a type, and a number for each set of
 * label values.
 *
 * @module
 */

import type { Cell } from "./tally.ts";

/** One number of a family. */
export interface Sample {
  /** The family's name, or that with the suffix of a histogram's part. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * A family of metrics.
 *
 * @typeParam H What those who count hold of it.
 */
export interface Family<H> {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  /** How many cells a thread needs for it. */
  readonly columns: number;
  /** Makes the handle. @param cellAt Gives a cell, from 0 to `columns`, each once. */
  bind(cellAt: (column: number) => Cell): H;
  /** Its numbers over all threads. */
  samples(handle: H): Sample[];
}

interface Names {
  readonly name: string;
  readonly help: string;
}

/** A number that only grows. Its name ends in `_total`. */
export function counter(name: string, help: string): Family<Cell> {
  return single({ name, help }, "counter", (cell) => cell.sum);
}

/**
 * A number that goes up and down.
 *
 * @param over What it is over all threads.
 */
export function gauge(
  name: string,
  help: string,
  over: "sum" | "max" | "earliest" = "sum",
): Family<Cell> {
  return single({ name, help }, "gauge", (cell) => cell[over]);
}

function single(
  { name, help }: Names,
  type: "counter" | "gauge",
  read: (cell: Cell) => number,
): Family<Cell> {
  return {
    name,
    help,
    type,
    columns: 1,
    bind: (cellAt) => cellAt(0),
    samples: (cell) => [{ name, labels: {}, value: read(cell) }],
  };
}

/** A cell for each value of a label. */
export type By<V extends string> = Readonly<Record<V, Cell>>;

/** All of a family's cells together, over all threads. */
export function totalOf(cells: By<string>): number {
  return Object.values(cells).reduce((sum, cell) => sum + cell.sum, 0);
}

/** A counter for each value of a label; the values are few, and never come from outside. */
export function counterBy<V extends string>(
  name: string,
  help: string,
  label: string,
  values: readonly V[],
): Family<By<V>> {
  return labelled({ name, help }, "counter", label, values);
}

/** A gauge for each value of a label. */
export function gaugeBy<V extends string>(
  name: string,
  help: string,
  label: string,
  values: readonly V[],
): Family<By<V>> {
  return labelled({ name, help }, "gauge", label, values);
}

function labelled<V extends string>(
  { name, help }: Names,
  type: "counter" | "gauge",
  label: string,
  values: readonly V[],
): Family<By<V>> {
  return {
    name,
    help,
    type,
    columns: values.length,
    bind: (cellAt) => record(values, (_, i) => cellAt(i)),
    samples: (cells) =>
      values.map((value) => ({ name, labels: { [label]: value }, value: cells[value].sum })),
  };
}

/** A counter for each pair of values of two labels. */
export function counterByTwo<V extends string, W extends string>(
  name: string,
  help: string,
  [outer, outerValues]: readonly [label: string, values: readonly V[]],
  [inner, innerValues]: readonly [label: string, values: readonly W[]],
): Family<Readonly<Record<V, By<W>>>> {
  return {
    name,
    help,
    type: "counter",
    columns: outerValues.length * innerValues.length,
    bind: (cellAt) =>
      record(
        outerValues,
        (_, i) => record(innerValues, (_, j) => cellAt(i * innerValues.length + j)),
      ),
    samples: (cells) =>
      outerValues.flatMap((v) =>
        innerValues.map((w) => ({
          name,
          labels: { [outer]: v, [inner]: w },
          value: cells[v][w].sum,
        }))
      ),
  };
}

/** Null-prototyped: a label's value may be called anything. */
function record<V extends string, T>(
  keys: readonly V[],
  make: (key: V, i: number) => T,
): Record<V, T> {
  return Object.assign(
    Object.create(null),
    Object.fromEntries(keys.map((key, i) => [key, make(key, i)])),
  );
}

/** Counts durations by how long they were. */
export class Histogram {
  /** Upper bounds in seconds, inclusive, ascending; longer ones are counted too. */
  readonly bounds: readonly number[];
  readonly #buckets: readonly Cell[];
  readonly #sum: Cell;

  /** @param cells One for each bound, one for what is longer, one for the sum. */
  constructor(bounds: readonly number[], cells: readonly Cell[]) {
    this.bounds = bounds;
    this.#buckets = cells.slice(0, -1);
    this.#sum = cells.at(-1)!;
  }

  observe(seconds: number): void {
    const { bounds } = this;
    // The first bound that is not below it.
    let low = 0;
    let high = bounds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (seconds > bounds[middle]!) low = middle + 1;
      else high = middle;
    }
    this.#buckets[low]!.add(1);
    this.#sum.add(seconds);
  }

  /** How many in each bucket, over all threads; not added up. */
  get counts(): number[] {
    return this.#buckets.map((cell) => cell.sum);
  }

  get sumSeconds(): number {
    return this.#sum.sum;
  }

  /** How many in all, over all threads. */
  get count(): number {
    return this.#buckets.reduce((sum, cell) => sum + cell.sum, 0);
  }
}

/** A histogram of durations. Its name ends in `_seconds`. */
export function histogram(
  name: string,
  help: string,
  bounds: readonly number[],
): Family<Histogram> {
  const columns = bounds.length + 2;
  return {
    name,
    help,
    type: "histogram",
    columns,
    bind: (cellAt) => new Histogram(bounds, Array.from({ length: columns }, (_, i) => cellAt(i))),
    samples(handle) {
      let count = 0;
      const buckets = handle.counts.map((own, i) => {
        count += own;
        const le = i < bounds.length ? String(bounds[i]) : "+Inf";
        return { name: `${name}_bucket`, labels: { le }, value: count };
      });
      return [
        ...buckets,
        { name: `${name}_sum`, labels: {}, value: handle.sumSeconds },
        { name: `${name}_count`, labels: {}, value: count },
      ];
    },
  };
}
