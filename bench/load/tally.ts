/**
 * What a generator counts.
 *
 * @module
 */

import { Latencies } from "./latencies.ts";

/** Counts since the start. */
export interface Totals {
  /** Clients connected now. */
  open: number;
  opened: number;
  /** Connects that failed or were refused. */
  failed: number;
  /** Clients that were open and then cut off. */
  lost: number;
  /** CALLs. */
  sent: number;
  /** CALLRESULTs. */
  answered: number;
  /** CALLERRORs. */
  errors: number;
  /** Messages that answer no outstanding CALL. */
  bad: number;
}

/** A generator's last word. Its latencies are histograms as `Latencies.encode` writes them. */
export interface Report {
  readonly totals: Totals;
  /** Answers a second from the order to measure to the one to stop. */
  readonly answersPerSecond: number;
  readonly connect: string;
  readonly roundTrip: string;
  /** By how much CALLs left later than intended: what the generator itself adds to the round trips. */
  readonly lateness: string;
  /** The first few reasons of clients that failed or were lost. */
  readonly reasons: readonly string[];
}

const MAX_REASONS = 5;

/** The sum of all processes' counts; zeros of none. */
export function sumOf(all: Iterable<Totals>): Totals {
  const sum = { open: 0, opened: 0, failed: 0, lost: 0, sent: 0, answered: 0, errors: 0, bad: 0 };
  for (const totals of all) {
    for (const name of Object.keys(sum) as (keyof Totals)[]) sum[name] += totals[name];
  }
  return sum;
}

export function unanswered(totals: Totals): number {
  return totals.sent - totals.answered - totals.errors;
}

/** Counts and times of all clients of a process; times are of `performance.now()`. */
export class Tally {
  readonly totals = sumOf([]);
  readonly #connect = new Latencies();
  readonly #roundTrip = new Latencies();
  readonly #lateness = new Latencies();
  readonly #reasons: string[] = [];
  /** What was intended before does not count for times and rates. */
  #measuringAt = Infinity;
  #answersBefore = 0;
  #answersPerSecond = 0;

  get #answers(): number {
    return this.totals.answered + this.totals.errors;
  }

  measure(now: number): void {
    this.#measuringAt = now;
    this.#answersBefore = this.#answers;
  }

  /** From now on an answer counts for the round trips, but not for the rate. */
  stop(now: number): void {
    const seconds = (now - this.#measuringAt) / 1000;
    this.#answersPerSecond = seconds > 0 ? (this.#answers - this.#answersBefore) / seconds : 0;
  }

  opened(connectMs: number): void {
    this.totals.open++;
    this.totals.opened++;
    this.#connect.record(connectMs);
  }

  /** A connection is over: lost when it was open, otherwise failed. */
  ended(wasOpen: boolean, reason: string): void {
    if (wasOpen) {
      this.totals.open--;
      this.totals.lost++;
    } else this.totals.failed++;
    if (this.#reasons.length < MAX_REASONS) this.#reasons.push(reason);
  }

  /** A CALL leaves that was due. */
  due(intendedAt: number, now: number): void {
    if (intendedAt >= this.#measuringAt) this.#lateness.record(now - intendedAt);
  }

  answered(isError: boolean, intendedAt: number, now: number): void {
    if (isError) this.totals.errors++;
    else {
      this.totals.answered++;
      if (intendedAt >= this.#measuringAt) this.#roundTrip.record(now - intendedAt);
    }
  }

  /** A CALL is never answered: it has waited until now. */
  unanswered(intendedAt: number, now: number): void {
    if (intendedAt >= this.#measuringAt) this.#roundTrip.record(now - intendedAt);
  }

  report(): Report {
    return {
      totals: this.totals,
      answersPerSecond: this.#answersPerSecond,
      connect: this.#connect.encode(),
      roundTrip: this.#roundTrip.encode(),
      lateness: this.#lateness.encode(),
      reasons: this.#reasons,
    };
  }
}
