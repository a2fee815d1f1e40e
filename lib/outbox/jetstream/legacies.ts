/**
 * What threads of this process left that died.
 *
 * @module
 */

import { type Clock, pause } from "../../clock.ts";
import type { AcceptedCall, Entry, KeptReport } from "../entry.ts";
import type { Found } from "../store.ts";
import type { Change } from "../unwritten.ts";
import { readEntry } from "./entry_text.ts";
import { type Kept, type KeptEntries, namesOf } from "./kept.ts";
import type { LedgerStream, Message } from "./ledger.ts";
import type { Writer } from "./writer.ts";

export interface LegaciesDeps {
  readonly entries: Pick<LedgerStream, "read">;
  readonly kept: KeptEntries;
  readonly writer: Pick<Writer, "changes" | "changesOf">;
  readonly clock: Clock;
}

/** Until what broke off is read again. */
const AGAIN_MS = 1000;

/** So often it is read to the end while something is not found: the server that is read may be behind. */
const READS = 3;

/** Reads what one store had, which is in the ledger alone, and hands it to another one. */
export class Legacies {
  readonly #deps: LegaciesDeps;
  #isClosed = false;

  constructor(deps: LegaciesDeps) {
    this.#deps = deps;
  }

  /**
   * All that a dead owner had is the heir's from now on.
   *
   * @param give Gets it in parts, those without an outcome last.
   * @returns When all of it was read; while that cannot be done it is tried again. Never rejects.
   */
  async hand(owner: number, heir: number, give: (found: Found) => void): Promise<void> {
    const { kept, writer, clock } = this.#deps;
    const left = kept.ofPlace(owner);
    for (const entry of left.values()) entry.place = heir;
    const unwritten: KeptReport[] = [];
    for (const change of [...writer.changes()]) {
      if (change.owner !== owner) continue;
      change.owner = heir;
      const { id, accept, end, isDelivered } = change;
      // What is under way with it is older.
      if (writer.changesOf(id).at(-1) !== change) continue;
      // Of a CALL that was not kept yet nobody was told that it is.
      if (accept !== undefined || end !== undefined || isDelivered) left.delete(id);
      if (end !== undefined && !isDelivered) unwritten.push(end);
    }
    const calls: AcceptedCall[] = [];
    for (let reads = 0; left.size > 0 && !this.#isClosed;) {
      if (await this.#read(left, calls, give) && ++reads === READS) break;
      for (const id of left.keys()) if (kept.get(id) === undefined) left.delete(id);
      if (left.size > 0) await pause(clock, AGAIN_MS);
    }
    if (unwritten.length > 0) give({ calls: [], reports: unwritten });
    if (calls.length > 0) give({ calls, reports: [] });
  }

  close(): void {
    this.#isClosed = true;
  }

  /** Takes what it finds out of `left`. @returns Whether it came to the end. */
  async #read(
    left: Map<string, Kept>,
    calls: AcceptedCall[],
    give: (found: Found) => void,
  ): Promise<boolean> {
    // Below the names of owners, of which one process may have had several.
    const filters = new Set(
      Array.from(left.values(), ({ subject }) => `${subject.split(".").slice(0, -2).join(".")}.>`),
    );
    for (const filter of filters) {
      const isRead = await this.#deps.entries.read(filter, (messages) => {
        const found = this.#mine(messages, left);
        const reports = found.flatMap((entry) => "report" in entry ? [entry.report] : []);
        for (const entry of found) if ("call" in entry) calls.push(entry.call);
        if (reports.length > 0) give({ calls: [], reports });
        return Promise.resolve();
      });
      if (!isRead) return false;
    }
    return true;
  }

  #mine(messages: readonly Message[], left: Map<string, Kept>): Entry[] {
    const { kept, writer } = this.#deps;
    const all = messages.flatMap(({ text }) => readEntry(text) ?? []);
    return all.sort((one, other) => one.ord - other.ord).flatMap(({ entry }) => {
      const { id } = namesOf(entry);
      // Another owner may have all by now.
      if (!left.delete(id) || kept.get(id) === undefined) return [];
      return [parkedAs(entry, writer.changesOf(id).at(-1))];
    });
  }
}

function parkedAs(entry: Entry, change: Change | undefined): Entry {
  if (change?.park === undefined || "call" in entry) return entry;
  return { report: { ...entry.report, parked: change.park ?? undefined } };
}
