/**
 * The numbers of several rounds, and what is said about them.
 *
 * @module
 */

import type { Processes } from "../process/processes.ts";
import { writeErr } from "../process/text.ts";

/** One turn's numbers, by their names. */
export type Sample = Readonly<Record<string, number>>;

/** A turn's numbers, and what went wrong in it. */
export interface Turn {
  readonly sample: Sample;
  readonly trouble?: string | null;
}

/** Collects turns, by what they are of. Numbers asked for that nobody measured are NaN. */
export class Results {
  readonly troubles: string[] = [];
  readonly #processes: Processes;
  /** The samples of each round, by what they are of. */
  readonly #rounds: Map<string, Sample>[] = [];

  /** @param processes What the turns' processes belong to. */
  constructor(processes: Processes) {
    this.#processes = processes;
  }

  add(round: number, of: string, sample: Sample): void {
    (this.#rounds[round] ??= new Map()).set(of, sample);
  }

  /**
   * Takes one turn, with what it starts ended behind it. A turn that fails is noted as trouble and
   * leaves its numbers out; only the end of the whole run gets through.
   *
   * @param shown Which of the numbers the line on standard error has.
   */
  async take(
    round: number,
    of: string,
    shown: string,
    turn: (processes: Processes) => Promise<Turn>,
  ): Promise<void> {
    const name = `round ${round + 1}, ${of}`;
    try {
      const { sample, trouble = null } = await this.#processes.with(turn);
      this.add(round, of, sample);
      if (trouble !== null) this.troubles.push(`${name}: ${trouble}`);
      writeErr(`${name}: ${trouble ?? `${shown} ${sample[shown]?.toPrecision(4)}`}\n`);
    } catch (error) {
      if (this.#processes.isEnded) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      this.troubles.push(`${name}: ${reason}`);
      writeErr(`${name}: ${reason}\n`);
    }
  }

  /** The median over the rounds. */
  median(of: string, metric: string): number {
    return this.#median((round) => this.#value(round, of, metric));
  }

  /**
   * How many times the other's number: the median of the rounds' own ratios, so that what slows a
   * whole round down cancels out.
   */
  ratio(of: string, other: string, metric: string): number {
    return this.#median((round) =>
      this.#value(round, of, metric) / this.#value(round, other, metric)
    );
  }

  /** How much more than the other's number: the median of the rounds' own differences. */
  difference(of: string, other: string, metric: string): number {
    return this.#median((round) =>
      this.#value(round, of, metric) - this.#value(round, other, metric)
    );
  }

  /** Everything, for `--json`. */
  toJSON(): unknown {
    return { rounds: this.#rounds.map(Object.fromEntries), troubles: this.troubles };
  }

  #value(round: number, of: string, metric: string): number {
    return this.#rounds[round]?.get(of)?.[metric] ?? NaN;
  }

  /** Of the numbers among them; NaN when there is none. */
  #median(value: (round: number) => number): number {
    const values = Array.from({ length: this.#rounds.length }, (_, round) => value(round));
    const sorted = values.filter((each) => !Number.isNaN(each)).toSorted((a, b) => a - b);
    const middle = sorted.length / 2;
    return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
  }
}
