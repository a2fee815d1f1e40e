/**
 * What is handed over, in parts (pure).
 *
 * @module
 */

import type { Entry, KeptReport } from "../entry.ts";
import type { Found } from "../store.ts";

/** Of one part, in entries and in UTF-16 code units of bodies: it is copied at once. */
const PART = 100;
const PART_CHARS = 2 * 1024 ** 2;

/** Those without an outcome come last: what came to be before them is told before. */
export function* partsOf(entries: readonly Entry[]): Generator<Found> {
  let reports: KeptReport[] = [];
  let chars = 0;
  for (const entry of entries) {
    if ("call" in entry) continue;
    reports.push(entry.report);
    chars += entry.report.report.body.length;
    if (reports.length < PART && chars < PART_CHARS) continue;
    yield { calls: [], reports };
    [reports, chars] = [[], 0];
  }
  if (reports.length > 0) yield { calls: [], reports };
  const calls = entries.flatMap((entry) => "call" in entry ? [entry.call] : []);
  for (let from = 0; from < calls.length; from += PART) {
    yield { calls: calls.slice(from, from + PART), reports: [] };
  }
}
