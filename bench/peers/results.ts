/**
 * The numbers of all turns, and what is said about them.
 *
 * @module
 */

import type { Contender } from "./contender.ts";
import type { Metric, Sample, Scenario } from "./scenario.ts";

/** A turn by its place in the run. */
export interface Turn {
  readonly round: number;
  readonly scenario: Scenario;
  readonly contender: Contender;
}

/** Collects turns. Numbers asked for that nobody measured are NaN. */
export class Results {
  readonly #samples = new Map<string, Sample>();
  readonly #troubles: string[] = [];
  #rounds = 0;

  add(turn: Turn, sample: Sample): void {
    this.#samples.set(key(turn), sample);
    this.#rounds = Math.max(this.#rounds, turn.round + 1);
  }

  /** Notes that a turn's numbers are missing or not to be trusted. */
  addTrouble({ round, scenario, contender }: Turn, what: string): void {
    this.#troubles.push(`round ${round + 1}, ${scenario.name}, ${contender.label}: ${what}`);
  }

  get troubles(): readonly string[] {
    return this.#troubles;
  }

  /** The median over the rounds. */
  median(scenario: Scenario, contender: Contender, metric: Metric): number {
    return medianOf(this.#each((round) => this.#value({ round, scenario, contender }, metric)));
  }

  /**
   * How many times the other's number: the median of the rounds' own ratios, so that what slows a
   * whole round down cancels out.
   */
  ratio(scenario: Scenario, contender: Contender, other: Contender): number {
    const { compared } = scenario;
    return medianOf(this.#each((round) =>
      this.#value({ round, scenario, contender }, compared) /
      this.#value({ round, scenario, contender: other }, compared)
    ));
  }

  /** How much more than the other's number: the median of the rounds' own differences. */
  difference(scenario: Scenario, contender: Contender, other: Contender): number {
    const { compared } = scenario;
    return medianOf(this.#each((round) =>
      this.#value({ round, scenario, contender }, compared) -
      this.#value({ round, scenario, contender: other }, compared)
    ));
  }

  /** Everything, for `--json`. */
  toJSON(): unknown {
    return { samples: Object.fromEntries(this.#samples), troubles: this.#troubles };
  }

  #value(turn: Turn, metric: Metric): number {
    return this.#samples.get(key(turn))?.[metric] ?? NaN;
  }

  #each(value: (round: number) => number): number[] {
    return Array.from({ length: this.#rounds }, (_, round) => value(round));
  }
}

function key({ round, scenario, contender }: Turn): string {
  return `${round + 1} ${scenario.name} ${contender.name}`;
}

/** Of the numbers among them; NaN when there is none. */
function medianOf(values: readonly number[]): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}
