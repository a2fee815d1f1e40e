import type { Point } from "../../../lib/status/page/rates.js";
import type { HistogramSnapshot, Snapshot } from "../../../lib/status/snapshot.ts";

const BOUNDS = [0.25, 0.75, 1];

/** Durations, counted in buckets up to 0.25, 0.75, 1 s and beyond. */
export function histogram(...counts: number[]): HistogramSnapshot {
  return { bounds: BOUNDS, counts, sumSeconds: 0 };
}

/** A gateway with which nothing goes on, but for these changes. */
export function snapshot(changes: Partial<Snapshot> = {}): Snapshot {
  const none = histogram(0, 0, 0, 0);
  return {
    at: 1_000_000,
    version: "1",
    instance: null,
    startedAt: 0,
    workers: 1,
    connections: {},
    maxConnections: 0,
    opened: 0,
    closed: 0,
    closedBy: {},
    refused: 0,
    refusedBy: {},
    failedCalls: { refused: 0, backend: 0, unreachable: 0, away: 0 },
    answeredCalls: 0,
    framesIn: {},
    framesOut: {},
    faults: 0,
    backendRequests: {},
    backendRetries: 0,
    backendAway: 0,
    backendOutSince: null,
    backendSeconds: none,
    callSeconds: none,
    apiCallSeconds: none,
    waiting: 0,
    maxWaiting: 0,
    reportsWaiting: 0,
    reportsParked: 0,
    oldestReportMs: 0,
    reportPlaces: 0,
    maxReports: 100_000,
    outstanding: 0,
    residentBytes: 0,
    maxMemoryBytes: 0,
    eventLoopLagMs: 0,
    ...changes,
  };
}

/** A point of the charts at which nothing goes on, but for these changes. */
export function point(changes: Partial<Point> = {}): Point {
  return {
    at: 1_000_000,
    connections: 0,
    inRate: 0,
    outRate: 0,
    callP50: null,
    callP95: null,
    callP99: null,
    failedRate: 0,
    failedShare: null,
    invalidRate: 0,
    backendP50: null,
    backendP95: null,
    waiting: 0,
    outstanding: 0,
    residentBytes: 0,
    lagMs: 0,
    connectsRate: 0,
    closesRate: 0,
    refusedRate: 0,
    ...changes,
  };
}
