/**
 * What a generator counts.
 *
 * @module
 */

import { Latencies } from "../load/histogram.ts";
import { type FinalReport, noTotals } from "../load/totals.ts";

const MAX_REASONS = 5;

/** Counts and times of all clients of a process; times are of `performance.now()`. */
export class Tally {
  readonly totals = noTotals();
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

  /** A client is gone: lost when it was open, otherwise failed. */
  ended(wasOpen: boolean, reason: string): void {
    if (wasOpen) {
      this.totals.open--;
      this.totals.lost++;
    } else this.totals.failed++;
    if (this.#reasons.length < MAX_REASONS) this.#reasons.push(reason);
  }

  /** A CALL leaves. */
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

  report(): FinalReport {
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
