/**
 * What is on disk and what is not there yet, as one (pure).
 *
 * @module
 */

import type { AcceptedCall, KeptReport } from "../entry.ts";
import type { Found } from "../store.ts";
import type { Change, Unwritten } from "../unwritten.ts";
import type { Owners } from "./database.ts";
import type { Entry } from "../entry.ts";

/** In one part; and about so many UTF-16 code units of bodies. */
const PART = 1000;
const PART_CHARS = 4 * 1024 ** 2;

/**
 * What some owners have, in parts: first what is in the file, in its order, with what was not written
 * of it; then what is only in memory.
 *
 * @param base Owners in the file are greater by it than in `unwritten`.
 */
export function* found(
  inFile: Iterable<Entry>,
  unwritten: Unwritten,
  owners: readonly Owners[],
  base: number,
): Generator<Found> {
  const seen = new Set<string>();
  let calls: AcceptedCall[] = [];
  let reports: KeptReport[] = [];
  let chars = 0;
  const all = function* (): Generator<Entry> {
    for (const entry of inFile) {
      const { id } = "call" in entry ? entry.call : entry.report;
      const change = unwritten.get(id);
      if (change === undefined) yield entry;
      // What became of it later comes after what was written.
      else if (change.end === undefined && !change.isDelivered) {
        seen.add(id);
        yield parked(entry, change);
      }
    }
    for (const { id, owner, end } of unwritten.values()) {
      const number = base + owner;
      const isTheirs = owners.some(({ from, to }) => from <= number && number <= to);
      if (end !== undefined && isTheirs && !seen.has(id)) yield { report: end };
    }
  };
  for (const entry of all()) {
    if ("call" in entry) calls.push(entry.call);
    else {
      reports.push(entry.report);
      chars += entry.report.report.body.length;
    }
    if (calls.length + reports.length < PART && chars < PART_CHARS) continue;
    yield { calls, reports };
    [calls, reports, chars] = [[], [], 0];
  }
  yield { calls, reports };
}

function parked(entry: Entry, { park }: Change): Entry {
  if (park === undefined || "call" in entry) return entry;
  return { report: { ...entry.report, parked: park ?? undefined } };
}
