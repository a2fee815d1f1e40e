/**
 * What two snapshots say of the time between them. Pure.
 *
 * @module
 */

/** @import { HistoryPoint } from "../history.ts" */
/** @import { HistogramSnapshot, Snapshot } from "../snapshot.ts" */

/**
 * One point of each chart; those that the gateway keeps are the same.
 *
 * @typedef {Omit<HistoryPoint, "backendRate" | "backendFailedRate">} Point
 */

/** What is no answer of a backend that works. An error that it means is an answer. */
const FAILURES = ["5xx", "timeout", "unreachable", "invalid"];

/** @param {Readonly<Record<string, number>>} counts */
export function sumOf(counts) {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/**
 * What each count grew by, for those that did.
 *
 * @param {Readonly<Record<string, number>>} before
 * @param {Readonly<Record<string, number>>} after
 * @returns {Record<string, number>}
 */
export function growth(before, after) {
  const grown = Object.entries(after).map((
    [name, count],
  ) => /** @type {[string, number]} */ ([name, count - (before[name] ?? 0)]));
  return Object.fromEntries(grown.filter(([, count]) => count > 0));
}

/** @param {Snapshot} snapshot */
export function failuresOf({ backendRequests }) {
  return FAILURES.reduce((sum, outcome) => sum + (backendRequests[outcome] ?? 0), 0);
}

/**
 * Whether both tell of the same run of the same gateway, and one is later.
 *
 * @param {Snapshot} before
 * @param {Snapshot} after
 */
export function isSameRun(before, after) {
  return before.startedAt === after.startedAt && before.at < after.at;
}

/**
 * The duration that this part of those between two snapshots does not exceed.
 *
 * @param {HistogramSnapshot} before
 * @param {HistogramSnapshot} after
 * @param {number} part 0 to 1
 * @returns {number | null} Seconds; within a bucket all are taken as spread evenly, and beyond the last
 *   bound it is that. Null without any.
 */
export function percentile(before, after, part) {
  const counts = after.counts.map((count, i) => count - (before.counts[i] ?? 0));
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total <= 0) return null;
  let left = part * total;
  for (const [i, count] of counts.entries()) {
    if (count > 0 && left <= count) {
      const low = i === 0 ? 0 : after.bounds[i - 1] ?? 0;
      const high = after.bounds[i] ?? low;
      return low + (high - low) * (left / count);
    }
    left -= count;
  }
  return after.bounds.at(-1) ?? 0;
}

/**
 * @param {HistogramSnapshot} before
 * @param {HistogramSnapshot} after
 * @param {number} part 0 to 1
 * @returns {number | null} Milliseconds; as `percentile`.
 */
export function percentileMs(before, after, part) {
  const seconds = percentile(before, after, part);
  return seconds === null ? null : 1000 * seconds;
}

/**
 * @param {Snapshot} older Some seconds ago: percentiles of one second would jump.
 * @param {Snapshot} before
 * @param {Snapshot} after
 * @returns {Point}
 */
export function pointOf(older, before, after) {
  const seconds = (after.at - before.at) / 1000;
  /** @param {(snapshot: Snapshot) => number} read */
  const rate = (read) => Math.max(0, read(after) - read(before)) / seconds;
  /** @param {(snapshot: Snapshot) => number} read */
  const grown = (read) => Math.max(0, read(after) - read(before));
  const ended = grown(({ answeredCalls }) => answeredCalls);
  const failed = grown(({ failedCalls }) => sumOf(failedCalls));
  const { callSeconds, backendSeconds } = after;
  return {
    at: after.at,
    connections: sumOf(after.connections),
    inRate: rate(({ framesIn }) => sumOf(framesIn)),
    outRate: rate(({ framesOut }) => sumOf(framesOut)),
    callP50: percentileMs(older.callSeconds, callSeconds, 0.5),
    callP95: percentileMs(older.callSeconds, callSeconds, 0.95),
    callP99: percentileMs(older.callSeconds, callSeconds, 0.99),
    failedRate: failed / seconds,
    failedShare: ended === 0 ? null : Math.min(1, failed / ended),
    invalidRate: rate(({ faults }) => faults),
    backendP50: percentileMs(older.backendSeconds, backendSeconds, 0.5),
    backendP95: percentileMs(older.backendSeconds, backendSeconds, 0.95),
    waiting: after.waiting,
    outstanding: after.outstanding,
    residentBytes: after.residentBytes,
    lagMs: after.eventLoopLagMs,
    connectsRate: rate(({ opened }) => opened),
    closesRate: rate(({ closed }) => closed),
    refusedRate: rate(({ refused }) => refused),
  };
}
