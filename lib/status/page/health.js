/**
 * How CALLs and the backend do, in words. Pure.
 *
 * @module
 */

import { estimateText, numberText, shareText } from "./dom.js";
import { failuresOf, growth, percentileMs, sumOf } from "./rates.js";

/** @import { Snapshot } from "../snapshot.ts" */
/** @import { Point } from "./rates.js" */

/**
 * @typedef {"" | "idle" | "good" | "warn" | "bad"} Level
 * @typedef {{ text: string, detail: string, level: Level }} Verdict
 */

/** Of all that came to an end, from which it is amber, and red. */
const [WARN_SHARE, BAD_SHARE] = [0.01, 0.1];
/** The backend is slow when it takes so many times what is usual … */
const SLOW_TIMES = 3;
/** … and no less than that. */
const SLOW_MS = 100;
/** It is slow in any case when it takes that long: what is usual may have been slow too. */
const ALWAYS_SLOW_MS = 5000;
/** Of so many points at least it is said what is usual. */
const MIN_USUAL = 30;
/** Waiting grows when it does so in each third of that time. */
const GROWING_MS = 10_000;

/** Why CALLs fail, in the order in which it is told. */
const CALL_CAUSES = {
  refused: "refused",
  backend: "by the backend",
  unreachable: "unreachable",
  away: "held back, backend away",
};

/** @param {readonly Level[]} levels */
export function worstOf(levels) {
  return levels.includes("bad") ? "bad" : levels.includes("warn") ? "warn" : "good";
}

/**
 * CALLs of clients that failed lately.
 *
 * @param {Snapshot} older
 * @param {Snapshot} after
 * @returns {Verdict}
 */
export function callsState(older, after) {
  const seconds = (after.at - older.at) / 1000;
  const ended = after.answeredCalls - older.answeredCalls;
  const byCause = growth(older.failedCalls, after.failedCalls);
  const failed = sumOf(byCause);
  if (failed === 0) {
    const detail = ended === 0 ? "no CALL ended" : `none of ${numberText(ended)}`;
    return { text: "0 %", detail, level: "" };
  }
  const share = failed / Math.max(failed, ended);
  const causes = Object.entries(CALL_CAUSES).filter(([cause]) => byCause[cause] !== undefined)
    .map(([cause, words]) => `${numberText(byCause[cause] ?? 0)} ${words}`);
  return {
    text: shareText(share),
    detail: `${numberText(failed / seconds)} / s · of ${numberText(ended)}: ${causes.join(", ")}`,
    level: share >= BAD_SHARE ? "bad" : share >= WARN_SHARE ? "warn" : "",
  };
}

/**
 * The backend, by its answers, by its own past and by what waits for it.
 *
 * @param {Snapshot} older
 * @param {Snapshot} after
 * @param {readonly Point[]} points The last five minutes, the newest last.
 * @returns {Verdict}
 */
export function backendState(older, after, points) {
  const total = sumOf(after.backendRequests) - sumOf(older.backendRequests);
  const failedCalls = sumOf(growth(older.failedCalls, after.failedCalls));
  const failures = growth(older.backendRequests, after.backendRequests);
  const grownBackend = after.failedCalls.backend - older.failedCalls.backend;
  // A 200 that is no JSON is no failed request, and fails the CALL all the same.
  const failed = Math.min(total, Math.max(failuresOf(after) - failuresOf(older), grownBackend));
  const p95 = percentileMs(older.backendSeconds, after.backendSeconds, 0.95);
  const p50 = percentileMs(older.backendSeconds, after.backendSeconds, 0.5);
  const took = p95 === null ? "" : `p50 ${estimateText(p50)} · p95 ${estimateText(p95)} · `;
  const detail = total === 0
    ? "no requests"
    : `${took}${numberText(failed)} of ${numberText(total)} failed`;
  if (after.backendAway > 0) {
    return { text: "Away", detail: "CALLs do not wait for it", level: "bad" };
  }
  const isReached = (failures["unreachable"] ?? 0) < BAD_SHARE * total;
  if (total > 0 ? !isReached : after.backendOutSince !== null) {
    return { text: "Unreachable", detail, level: "bad" };
  }
  if (total > 0 && failed >= BAD_SHARE * total) return { text: "Failing", detail, level: "bad" };
  if (isGrowing(points)) {
    const waiting = `${numberText(after.waiting)} wait, and more each second`;
    return { text: "Falls behind", detail: `${waiting} · ${detail}`, level: "warn" };
  }
  if (total === 0) return { text: "Idle", detail, level: "idle" };
  const usual = usualMs(points);
  if (p95 !== null && p95 > ALWAYS_SLOW_MS) return { text: "Slow", detail, level: "warn" };
  if (p95 !== null && usual !== null && p95 > SLOW_MS && p95 > SLOW_TIMES * usual) {
    return {
      text: "Slow",
      detail: `${detail} · p95 usually ${estimateText(usual)}`,
      level: "warn",
    };
  }
  if (failed >= WARN_SHARE * total) return { text: "Degraded", detail, level: "warn" };
  // Green says that all is well, and it is not for those whose CALLs fail.
  return failed + failedCalls > 0
    ? { text: "Answering", detail, level: "idle" }
    : { text: "Healthy", detail, level: "good" };
}

/**
 * What the backend's p95 usually is: the median of what is known.
 *
 * @param {readonly Point[]} points
 * @returns {number | null} Milliseconds; null while too little is known.
 */
function usualMs(points) {
  const known = points.flatMap(({ backendP95 }) => backendP95 ?? []).sort((a, b) => a - b);
  return known.length < MIN_USUAL ? null : known[known.length >> 1] ?? null;
}

/**
 * Whether more and more waits for the backend: each third of the last ten seconds has more all the
 * time than the one before it.
 *
 * @param {readonly Point[]} points
 */
function isGrowing(points) {
  const end = points.at(-1)?.at ?? 0;
  const lately = points.filter(({ at }) => at > end - GROWING_MS - 500);
  const [first] = lately;
  if (first === undefined || end - first.at < GROWING_MS - 1500) return false;
  /** @param {number} third */
  const waiting = (third) =>
    lately.filter(({ at }) =>
      Math.min(2, Math.floor(3 * (at - first.at) / (end - first.at))) === third
    )
      .map((point) => point.waiting);
  const [a, b, c] = [waiting(0), waiting(1), waiting(2)];
  if (a.length === 0 || b.length === 0 || c.length === 0) return false;
  return Math.max(...a) < Math.min(...b) && Math.max(...b) < Math.min(...c);
}
