/**
 * What two snapshots say of the time between them. Pure.
 *
 * @module
 */

/** @import { HistogramSnapshot, Snapshot } from "../snapshot.ts" */

/**
 * One point of each chart.
 *
 * @typedef {object} Point
 * @property {number} at Milliseconds since 1970.
 * @property {number} connections
 * @property {number} inRate Frames a second.
 * @property {number} outRate
 * @property {number | null} p50 Milliseconds; null without a CALL.
 * @property {number | null} p95
 * @property {number | null} p99
 * @property {number} faultRate
 * @property {number} failureRate Requests to the backend that failed, a second.
 * @property {number} waiting
 * @property {number} outstanding
 * @property {number} memory Bytes.
 */

/** What is no answer of a backend that works. */
const FAILURES = ["5xx", "timeout", "unreachable", "invalid"];

/** @param {Readonly<Record<string, number>>} counts */
export function sumOf(counts) {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** @param {Snapshot} snapshot */
function failuresOf({ backendRequests }) {
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
 * @returns {number | null} Seconds; within a bucket all are taken as spread evenly. Null without any.
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
 * @param {Snapshot} older Some seconds ago: percentiles of one second would jump.
 * @param {Snapshot} before
 * @param {Snapshot} after
 * @returns {Point}
 */
export function pointOf(older, before, after) {
  const seconds = (after.at - before.at) / 1000;
  /** @param {(snapshot: Snapshot) => number} read */
  const rate = (read) => Math.max(0, read(after) - read(before)) / seconds;
  /** @param {number} part */
  const ms = (part) => {
    const value = percentile(older.callSeconds, after.callSeconds, part);
    return value === null ? null : 1000 * value;
  };
  return {
    at: after.at,
    connections: sumOf(after.connections),
    inRate: rate(({ framesIn }) => sumOf(framesIn)),
    outRate: rate(({ framesOut }) => sumOf(framesOut)),
    p50: ms(0.5),
    p95: ms(0.95),
    p99: ms(0.99),
    faultRate: rate(({ faults }) => faults),
    failureRate: rate(failuresOf),
    waiting: after.waiting,
    outstanding: after.outstanding,
    memory: after.residentBytes,
  };
}

/**
 * How the backend does, in words.
 *
 * @param {Snapshot} older
 * @param {Snapshot} after
 * @returns {{ text: string, detail: string, level: "good" | "warn" | "bad" | "idle" }}
 */
export function backendState(older, after) {
  const total = sumOf(after.backendRequests) - sumOf(older.backendRequests);
  const failed = failuresOf(after) - failuresOf(older);
  const detail = total === 0 ? "no requests" : `${failed} of ${total} failed`;
  if (after.backendAway > 0) {
    return { text: "Away", detail: "CALLs do not wait for it", level: "bad" };
  }
  if (total === 0) return { text: "Idle", detail, level: "idle" };
  if (failed === 0) return { text: "Healthy", detail, level: "good" };
  return failed * 2 > total
    ? { text: "Failing", detail, level: "bad" }
    : { text: "Degraded", detail, level: "warn" };
}
