/**
 * Looks once a second, and keeps what it saw.
 *
 * @module
 */

import { type Clock, every } from "../clock.ts";
import { type Histogram, totalOf } from "../metrics/family.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { quantileOf } from "../metrics/quantile.ts";
import type { History, HistoryPoint } from "./history.ts";

export interface HistoryWatchDeps {
  readonly history: Pick<History, "add">;
  readonly metrics: Metrics;
  /** The process's resident memory in bytes. */
  readonly readResident: () => number;
  readonly clock: Clock;
}

const LOOK_MS = 1000;
/** Percentiles are those of so many seconds: of one second they would jump. */
const WINDOW = 10;
/** What is no answer of a backend that works. */
const FAILURES = ["5xx", "timeout", "unreachable", "invalid"] as const;

/** What only grows, over all threads. */
interface Totals {
  readonly at: number;
  readonly framesIn: number;
  readonly framesOut: number;
  readonly failed: number;
  readonly answered: number;
  readonly invalid: number;
  readonly backend: number;
  readonly backendFailed: number;
  readonly opened: number;
  readonly closed: number;
  readonly refused: number;
}

/**
 * Adds a point to the history once a second: one thread of a process does. Whoever looks or not, it costs
 * the reading of some hundred numbers.
 */
export class HistoryWatch {
  readonly #deps: HistoryWatchDeps;
  readonly #calls: Window;
  readonly #backend: Window;
  #before: Totals | undefined;
  #stop = (): void => {};

  constructor(deps: HistoryWatchDeps) {
    this.#deps = deps;
    const { callSeconds, backendSeconds } = deps.metrics;
    this.#calls = new Window(callSeconds);
    this.#backend = new Window(backendSeconds);
  }

  /** Begins to look; `stop` must follow. */
  start(): void {
    this.#before = this.#totals();
    this.#stop = every(this.#deps.clock, LOOK_MS, () => this.#look());
  }

  stop(): void {
    this.#stop();
  }

  #look(): void {
    const before = this.#before!;
    const after = this.#before = this.#totals();
    this.#calls.move();
    this.#backend.move();
    this.#deps.history.add(this.#pointOf(before, after));
  }

  #totals(): Totals {
    const { metrics, clock } = this.#deps;
    const failed = totalOf(metrics.callsFailed);
    const byKind = Object.values(metrics.backendRequests);
    const backendOf = (outcomes: readonly (keyof typeof byKind[number])[]): number =>
      byKind.reduce(
        (sum, by) => outcomes.reduce((part, outcome) => part + by[outcome].sum, sum),
        0,
      );
    return {
      at: clock.now(),
      framesIn: totalOf(metrics.frames.in),
      framesOut: totalOf(metrics.frames.out),
      failed,
      answered: failed + metrics.callSeconds.count,
      invalid: totalOf(metrics.faults),
      backend: metrics.backendSeconds.count,
      backendFailed: backendOf(FAILURES),
      opened: metrics.opened.sum,
      closed: totalOf(metrics.closed),
      refused: totalOf(metrics.refused),
    };
  }

  #pointOf(before: Totals, after: Totals): HistoryPoint {
    const { metrics, clock, readResident } = this.#deps;
    const seconds = Math.max(0.001, (after.at - before.at) / 1000);
    const grown = (key: keyof Totals): number => Math.max(0, after[key] - before[key]);
    const rate = (key: keyof Totals): number => grown(key) / seconds;
    return {
      at: clock.wallNow(),
      connections: totalOf(metrics.connections),
      inRate: rate("framesIn"),
      outRate: rate("framesOut"),
      callP50: this.#calls.quantileMs(0.5),
      callP95: this.#calls.quantileMs(0.95),
      callP99: this.#calls.quantileMs(0.99),
      failedRate: rate("failed"),
      failedShare: grown("answered") === 0 ? null : grown("failed") / grown("answered"),
      invalidRate: rate("invalid"),
      backendRate: rate("backend"),
      backendFailedRate: rate("backendFailed"),
      backendP50: this.#backend.quantileMs(0.5),
      backendP95: this.#backend.quantileMs(0.95),
      waiting: metrics.waiting.sum,
      outstanding: metrics.outstanding.sum,
      residentBytes: readResident(),
      lagMs: 1000 * metrics.eventLoopLag.max,
      connectsRate: rate("opened"),
      closesRate: rate("closed"),
      refusedRate: rate("refused"),
    };
  }
}

/** What a histogram counted within the last seconds. */
class Window {
  readonly #histogram: Histogram;
  /** A reading each second, the oldest first. */
  readonly #readings: (readonly number[])[];

  constructor(histogram: Histogram) {
    this.#histogram = histogram;
    this.#readings = [histogram.counts];
  }

  /** A second has passed. */
  move(): void {
    this.#readings.push(this.#histogram.counts);
    if (this.#readings.length > WINDOW + 1) this.#readings.shift();
  }

  /** Milliseconds; null without any. */
  quantileMs(part: number): number | null {
    const [oldest] = this.#readings;
    const counts = this.#readings.at(-1)!.map((count, i) => count - oldest![i]!);
    const seconds = quantileOf(this.#histogram.bounds, counts, part);
    return Number.isNaN(seconds) ? null : 1000 * seconds;
  }
}
