/**
 * What is said of reports that the backend has not taken. Pure.
 *
 * @module
 */

import { numberText, spanText, timeText } from "./dom.js";

/** @import { Snapshot } from "../snapshot.ts" */

/** Older than this, a report waits for more than a retry. */
const OLD_MS = 60_000;
/** More of the places taken than this is close to the bound. */
const CROWDED = 0.8;

/**
 * How reports do, in words.
 *
 * @param {Snapshot} snapshot
 * @returns {{ text: string, detail: string, outage: string, level: "" | "warn" | "bad" }} `outage` is
 *   empty while the backend can be reached.
 */
export function reportsState(snapshot) {
  const { at, reportsWaiting, reportsParked, oldestReportMs, backendOutSince } = snapshot;
  const { reportPlaces, maxReports } = snapshot;
  const [isWaiting, isParked] = [reportsWaiting > 0, reportsParked > 0];
  const waiting = numberText(reportsWaiting);
  const parts = [`${numberText(reportPlaces)} of ${numberText(maxReports)} places`];
  if (isWaiting) parts.unshift(`oldest ${spanText(oldestReportMs)}`);
  if (!isParked) parts.unshift("none parked");
  const isStuck = isParked || (isWaiting && oldestReportMs > OLD_MS);
  const isCrowded = reportPlaces > CROWDED * maxReports;
  return {
    text: isParked ? `${waiting} + ${numberText(reportsParked)} parked` : waiting,
    detail: parts.join(" · "),
    outage: backendOutSince === null
      ? ""
      : `Backend away since ${timeText(backendOutSince)}, ${spanText(at - backendOutSince)}`,
    level: isStuck ? "bad" : isCrowded ? "warn" : "",
  };
}

/**
 * The body of a report as the backend gets it, byte for byte: parsed and written again, `1.0` would
 * be `1`.
 *
 * @param {string} text What `GET /outbox/<id>` answers.
 * @returns {string} `null` when it is too large to be told.
 */
export function bodyOf(text) {
  // In strings these quotes are escaped, and all that stands around the body are strings and numbers.
  const [start, end] = [',"body":', ',"since":'];
  return text.slice(text.indexOf(start) + start.length, text.lastIndexOf(end));
}

/**
 * One report in a few words.
 *
 * @param {{ kind: string, client: string, action: string | null, messageId: string | null }} report
 */
export function nameOf({ kind, client, action, messageId }) {
  const name = action === null ? kind : `${kind} ${action} ${messageId}`;
  return `${name} of ${client}`;
}
