/**
 * What the gateway counts with.
 *
 * @module
 */

import { familiesOf } from "./families.ts";
import type { Family, Sample } from "./family.ts";
import { Tally, tallyBuffer } from "./tally.ts";

type Families = ReturnType<typeof familiesOf>;

/** What a thread counts with. */
export type Metrics = {
  readonly [K in keyof Families]: Families[K] extends Family<infer H> ? H : never;
};

/** A family with its numbers. */
export interface FamilySamples {
  readonly name: string;
  readonly help: string;
  readonly type: Family<unknown>["type"];
  readonly samples: readonly Sample[];
}

/** One thread's metrics, among those of the others. */
export class MetricSet {
  /** This thread's, to be counted with; they also tell what all threads come to. */
  readonly metrics: Metrics;
  readonly #families: readonly (readonly [Family<unknown>, handle: unknown])[];
  readonly #tally: Tally;

  /**
   * @param protocols The subprotocols served.
   * @param buffer From `metricsBuffer`, for the same subprotocols; without it the thread is alone.
   * @param row This thread's, from 0; nobody else may write to it.
   */
  constructor(protocols: readonly string[], buffer?: SharedArrayBuffer, row = 0) {
    const families = familiesOf(protocols);
    this.#tally = new Tally(columnsOf(families), buffer, row);
    let start = 0;
    const entries = Object.entries<Family<unknown>>(families).map(([key, family]) => {
      const at = start;
      start += family.columns;
      return [key, family, family.bind((column) => this.#tally.cell(at + column))] as const;
    });
    this.metrics = Object.fromEntries(entries.map(([key, , handle]) => [key, handle])) as Metrics;
    this.#families = entries.map(([, family, handle]) => [family, handle]);
  }

  /** All families with their numbers over all threads. */
  samples(): FamilySamples[] {
    return this.#families.map(([family, handle]) => {
      const { name, help, type } = family;
      return { name, help, type, samples: family.samples(handle) };
    });
  }

  /** A thread has ended: it holds nothing any more. What it counted stays. */
  clearGauges(row: number): void {
    let start = 0;
    for (const [{ type, columns }] of this.#families) {
      for (let i = 0; type === "gauge" && i < columns; i++) {
        this.#tally.cell(start + i, row).own = 0;
      }
      start += columns;
    }
  }
}

function columnsOf(families: Families): number {
  return Object.values<Family<unknown>>(families).reduce((sum, { columns }) => sum + columns, 0);
}

/** The memory of the metrics of this many threads; to be handed to each. */
export function metricsBuffer(protocols: readonly string[], threads: number): SharedArrayBuffer {
  return tallyBuffer(columnsOf(familiesOf(protocols)), threads);
}
