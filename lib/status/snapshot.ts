/**
 * A gateway in numbers, at one moment.
 *
 * @module
 */

import type { ProcessFacts, ProcessUsage } from "../metrics/exposition.ts";
import { type By, type Histogram, totalOf } from "../metrics/family.ts";
import type { CallFailure } from "../metrics/labels.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Cell } from "../metrics/tally.ts";

/** Durations, counted by their length. */
export interface HistogramSnapshot {
  /** Upper ends of the buckets in seconds, ascending, without the last one, which has none. */
  readonly bounds: readonly number[];
  /** One more than `bounds`; each counts its own bucket only. */
  readonly counts: readonly number[];
  readonly sumSeconds: number;
}

/**
 * All threads' numbers together. Totals count from the start; who reads two snapshots gets rates and
 * percentiles of the time between them.
 */
export interface Snapshot {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly version: string;
  /** The process's name among others; null without others. */
  readonly instance: string | null;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly workers: number;
  /** By subprotocol; `none` without one. */
  readonly connections: Readonly<Record<string, number>>;
  readonly maxConnections: number;
  readonly opened: number;
  readonly closed: number;
  /** By the words of the metric's label `reason`, those that there were. */
  readonly closedBy: Readonly<Record<string, number>>;
  /** Upgrades that were refused. */
  readonly refused: number;
  /** The same by reason. */
  readonly refusedBy: Readonly<Record<string, number>>;
  /** By type: `call`, `result`, `error`, `send`, `resulterror`. */
  readonly framesIn: Readonly<Record<string, number>>;
  readonly framesOut: Readonly<Record<string, number>>;
  /** Texts that were no valid frames, or answered nothing. */
  readonly faults: number;
  /**
   * CALLs of clients that got an error of the gateway's own, or no answer: `refused` by the gateway,
   * `backend` answered badly or late, `unreachable`, `away`.
   */
  readonly failedCalls: Readonly<Record<CallFailure, number>>;
  /** CALLs of clients that ended, those that failed included. */
  readonly answeredCalls: number;
  /** By outcome: `2xx`, `refused` (an error that the backend means), `4xx`, `5xx`, `timeout`, `unreachable`, `invalid`. */
  readonly backendRequests: Readonly<Record<string, number>>;
  readonly backendRetries: number;
  /** Threads for which the backend is away at this moment. */
  readonly backendAway: number;
  /** Since when it cannot be reached or is away, in milliseconds since 1970; null while all is well. */
  readonly backendOutSince: number | null;
  /** One request to the backend. */
  readonly backendSeconds: HistogramSnapshot;
  /** A client's CALL that did not fail, from frame in to frame out. */
  readonly callSeconds: HistogramSnapshot;
  /** A CALL of the API, from its acceptance to its outcome. */
  readonly apiCallSeconds: HistogramSnapshot;
  /** Messages that wait for the backend, and how many may. */
  readonly waiting: number;
  readonly maxWaiting: number;
  /** Reports that the backend has not taken yet, and those that are not tried any more. */
  readonly reportsWaiting: number;
  readonly reportsParked: number;
  /** How long the oldest of those that wait has waited. */
  readonly oldestReportMs: number;
  /** Accepted CALLs whose outcome the backend has not, and how many there may be. */
  readonly reportPlaces: number;
  readonly maxReports: number;
  /** CALLs that clients have not answered. */
  readonly outstanding: number;
  readonly residentBytes: number;
  readonly maxMemoryBytes: number;
  readonly eventLoopLagMs: number;
}

/**
 * Takes a snapshot.
 *
 * @param at Milliseconds since 1970.
 */
export function snapshotOf(
  metrics: Metrics,
  facts: ProcessFacts,
  usage: ProcessUsage,
  at: number,
): Snapshot {
  const failedCalls = sums(metrics.callsFailed);
  return {
    at,
    version: facts.version,
    instance: facts.instance ?? null,
    startedAt: 1000 * facts.startedAtSeconds,
    workers: facts.workers,
    connections: sums(metrics.connections),
    maxConnections: facts.maxConnections,
    opened: metrics.opened.sum,
    closed: totalOf(metrics.closed),
    closedBy: present(metrics.closed),
    refused: totalOf(metrics.refused),
    refusedBy: present(metrics.refused),
    framesIn: sums(metrics.frames.in),
    framesOut: sums(metrics.frames.out),
    faults: totalOf(metrics.faults),
    failedCalls,
    answeredCalls: metrics.callSeconds.count + totalOf(metrics.callsFailed),
    backendRequests: backendOutcomes(metrics.backendRequests),
    backendRetries: totalOf(metrics.backendRetries),
    backendAway: metrics.backendAway.sum,
    backendOutSince: 1000 * metrics.backendOutSince.earliest || null,
    backendSeconds: histogramOf(metrics.backendSeconds),
    callSeconds: histogramOf(metrics.callSeconds),
    apiCallSeconds: histogramOf(metrics.apiCallSeconds),
    waiting: metrics.waiting.sum,
    maxWaiting: facts.maxWaiting,
    reportsWaiting: metrics.outbox.waiting.sum,
    reportsParked: metrics.outbox.parked.sum,
    oldestReportMs: 1000 * metrics.outboxOldest.max,
    reportPlaces: metrics.outboxPlaces.sum,
    maxReports: facts.maxReports,
    outstanding: metrics.outstanding.sum,
    residentBytes: usage.memory.rss,
    maxMemoryBytes: facts.maxMemoryBytes,
    eventLoopLagMs: 1000 * metrics.eventLoopLag.max,
  };
}

function sums<V extends string>(by: By<V>): Record<V, number> {
  const entries = Object.entries<Cell>(by).map(([value, cell]) => [value, cell.sum]);
  return Object.fromEntries(entries);
}

/** Only what there was: there are many reasons, and few come up. */
function present(by: By<string>): Record<string, number> {
  return Object.fromEntries(Object.entries(sums(by)).filter(([, count]) => count > 0));
}

/** Of all kinds of requests together. */
function backendOutcomes(byKind: Metrics["backendRequests"]): Record<string, number> {
  const outcomes: Record<string, number> = {};
  for (const byOutcome of Object.values(byKind)) {
    for (const [outcome, count] of Object.entries(sums(byOutcome))) {
      outcomes[outcome] = (outcomes[outcome] ?? 0) + count;
    }
  }
  return outcomes;
}

function histogramOf({ bounds, counts, sumSeconds }: Histogram): HistogramSnapshot {
  return { bounds, counts, sumSeconds };
}
