/**
 * One change, written into the ledger.
 *
 * @module
 */

import type { Change } from "../unwritten.ts";
import { callText, readEntry, reportText } from "./entry_text.ts";
import type { Kept, KeptEntries } from "./kept.ts";
import { type LedgerStream, PAST } from "./ledger.ts";
import { entrySubject } from "./subject.ts";
import type { Tenure } from "./tenure.ts";

export interface WritingDeps {
  readonly entries: LedgerStream;
  readonly kept: KeptEntries;
  readonly tenure: Pick<Tenure, "name" | "isCertain" | "confirm">;
  readonly prefix: string;
  /** The first write of an entry had no answer: it may be done at any time. */
  readonly unsure: (subject: string) => void;
}

/** What came of a try: `again` at once, since something else was there; `unknown` after a pause. */
export type Tried = "done" | "again" | "unknown" | "full" | "too_large";

/**
 * Tries once to bring the ledger to what a change says. Never rejects.
 *
 * @param ord That of the entry, the same in each try.
 * @param isCurrent Whether what is kept is still this owner's.
 */
export async function tryWrite(
  change: Change,
  ord: number,
  deps: WritingDeps,
  isCurrent: () => boolean,
): Promise<Tried> {
  const { accept, end, park, isDelivered, id, owner } = change;
  const { kept, prefix, tenure } = deps;
  const known = kept.get(id);
  if (isDelivered) return known === undefined ? "done" : await remove(id, known, deps, isCurrent);
  const client = (end ?? accept)?.client;
  if (client === undefined) {
    return known === undefined || park === undefined
      ? "done"
      : await rewriteParked(known, park, deps, isCurrent);
  }
  const key = accept?.key ?? known?.key;
  const text = end === undefined ? callText(accept!, ord) : reportText(end, ord, key);
  const entry: Kept = known ?? {
    subject: entrySubject(prefix, tenure.name, client.clientId, id),
    ...{ seq: 0, isUnsure: false, place: owner, key },
  };
  entry.place = owner;
  entry.key = key;
  kept.set(id, entry);
  const tried = await put(entry, text, deps, isCurrent);
  const isIn = tried === "done" || tried === "again" || tried === "unknown";
  if (!isIn && entry.seq === 0 && !entry.isUnsure && isCurrent()) kept.delete(id);
  return tried;
}

async function put(
  entry: Kept,
  text: string,
  deps: WritingDeps,
  isCurrent: () => boolean,
): Promise<Tried> {
  const { entries, tenure, unsure } = deps;
  const isNew = entry.seq === 0;
  // An heir may be done with all that there was, and nobody would look for more.
  if (isNew && !tenure.isCertain) return "unknown";
  if (isNew && entry.isUnsure) {
    const asked = await entries.put(entry.subject, "", PAST);
    if (asked.kind === "stored") entry.seq = asked.seq;
    else if (asked.kind !== "conflict") return asked.kind;
    else if (asked.last > 0) return await settle(entry, text, asked.last, deps, isCurrent);
  }
  const done = await entries.put(entry.subject, text, entry.seq);
  switch (done.kind) {
    case "stored":
      entry.seq = done.seq;
      entry.isUnsure = false;
      // Nobody knows of it here any more. What was there before is the heir's, with its outcome.
      if (!isCurrent() && isNew) await entries.remove(done.seq);
      return "done";
    case "full":
    case "too_large":
      return done.kind;
    case "unknown":
      entry.isUnsure = true;
      if (entry.seq === 0) unsure(entry.subject);
      return "unknown";
    case "conflict":
      return await settle(entry, text, done.last, deps, isCurrent);
  }
}

/** Another message is there. @param seq Of that. */
async function settle(
  entry: Kept,
  text: string,
  seq: number,
  { entries, tenure }: WritingDeps,
  isCurrent: () => boolean,
): Promise<Tried> {
  const last = await entries.last(entry.subject);
  // It was removed meanwhile, or a new leader is behind.
  if (last === undefined || (last?.seq ?? 0) < seq) return "unknown";
  if (last?.text === text) {
    entry.seq = last.seq;
    entry.isUnsure = false;
    return "done";
  }
  // An heir's, or one of this owner's own without an answer: its sign of life says which, if it is
  // written after that was read. What an heir has removed is not to come again.
  const isOwner = await tenure.confirm();
  if (!isCurrent()) return "done";
  if (!isOwner) return "unknown";
  entry.seq = last?.seq ?? 0;
  return "again";
}

async function remove(
  id: string,
  entry: Kept,
  { entries, kept, unsure }: WritingDeps,
  isCurrent: () => boolean,
): Promise<Tried> {
  let { seq } = entry;
  let isThere = false;
  if (entry.isUnsure) {
    // A write that is refused says what is there. What was only read may be older, and it would stay.
    const asked = await entries.put(entry.subject, "", PAST);
    if (asked.kind === "unknown") return "unknown";
    if (asked.kind === "conflict") seq = asked.last;
    else if (asked.kind === "stored") seq = asked.seq;
    else {
      // A full stream need not look what is there.
      const last = await entries.last(entry.subject);
      if (last === undefined) return "unknown";
      isThere = last !== null;
      seq = last?.seq ?? entry.seq;
    }
  }
  const done = seq === 0 ? "absent" : await entries.remove(seq);
  // Where it is not certain what is there, what was read may have been an older one …
  if (done === "unknown" || (done === "absent" && isThere)) return "unknown";
  // … or its server lags behind and does not know of it yet: it is looked for later.
  if (done === "absent" && entry.isUnsure) unsure(entry.subject);
  // Absent: it is an heir's by now, or had been removed by a try without an answer.
  if (isCurrent()) kept.delete(id);
  return "done";
}

/** What is parked says so where it is kept; its body is nowhere else. */
async function rewriteParked(
  entry: Kept,
  park: NonNullable<Change["park"]> | null,
  deps: WritingDeps,
  isCurrent: () => boolean,
): Promise<Tried> {
  const last = await deps.entries.last(entry.subject);
  if (last === undefined) return "unknown";
  const read = last === null ? undefined : readEntry(last.text);
  if (read === undefined || "call" in read.entry) return "done";
  const text = reportText({ ...read.entry.report, parked: park ?? undefined }, read.ord, entry.key);
  return text === last?.text ? "done" : await put(entry, text, deps, isCurrent);
}
