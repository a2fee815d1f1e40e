/**
 * What threads of this process left that died.
 *
 * @module
 */

import { type Clock, pause } from "../../clock.ts";
import type { Entry } from "../entry.ts";
import type { Found } from "../store.ts";
import type { Change } from "../unwritten.ts";
import { type LedgerEntry, readEntry } from "./entry_text.ts";
import { type Kept, type KeptEntries, namesOf } from "./kept.ts";
import type { LedgerStream } from "./ledger.ts";
import { partsOf } from "./parts.ts";
import type { Writer } from "./writer.ts";

export interface LegaciesDeps {
  readonly entries: Pick<LedgerStream, "read">;
  readonly kept: KeptEntries;
  readonly writer: Pick<Writer, "changes" | "changesOf" | "ordOf">;
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
   * @param give Gets it in parts when all of it was read, in the order in which it came to be, those without
   *   an outcome last.
   * @returns When it has; while it cannot be read that is tried again. Never rejects.
   */
  async hand(owner: number, heir: number, give: (found: Found) => void): Promise<void> {
    const { kept, writer, clock } = this.#deps;
    const left = kept.ofPlace(owner);
    for (const [id, entry] of left) {
      const last = writer.changesOf(id).at(-1);
      // Its client took it along to another thread, whose word waits to be written.
      if (last !== undefined && last.owner !== owner) left.delete(id);
      else entry.place = heir;
    }
    const found: LedgerEntry[] = [];
    for (const change of [...writer.changes()]) {
      if (change.owner !== owner) continue;
      change.owner = heir;
      const { id, accept, end, isDelivered } = change;
      // What is under way with it is older.
      if (writer.changesOf(id).at(-1) !== change) continue;
      // Of a CALL that was not kept yet nobody was told that it is.
      if (accept !== undefined || end !== undefined || isDelivered) left.delete(id);
      if (end !== undefined && !isDelivered) {
        found.push({ entry: { report: end }, ord: writer.ordOf(id) });
      }
    }
    for (let reads = 0; left.size > 0 && !this.#isClosed;) {
      if (await this.#read(left, found) && ++reads === READS) break;
      for (const id of left.keys()) if (kept.get(id) === undefined) left.delete(id);
      if (left.size > 0) await pause(clock, AGAIN_MS);
    }
    const all = found.sort((one, other) => one.ord - other.ord).map(({ entry }) => entry);
    // Another owner may have it by now.
    const isHere = ({ id }: { readonly id: string }): boolean =>
      kept.get(id) !== undefined || writer.changesOf(id).length > 0;
    for (const { calls, reports } of partsOf(all)) {
      give({ calls: calls.filter(isHere), reports: reports.filter(isHere) });
      // Whatever else is to be done is done in between.
      await new Promise<void>((resolve) => clock.setImmediate(resolve));
    }
  }

  close(): void {
    this.#isClosed = true;
  }

  /** Moves what it finds from `left`. @returns Whether it came to the end. */
  async #read(left: Map<string, Kept>, found: LedgerEntry[]): Promise<boolean> {
    // Below the names of owners, of which one process may have had several.
    const filters = new Set(
      Array.from(left.values(), ({ subject }) => `${subject.split(".").slice(0, -2).join(".")}.>`),
    );
    for (const filter of filters) {
      const isRead = await this.#deps.entries.read(filter, (messages) => {
        for (const { text } of messages) {
          const read = readEntry(text);
          if (read === undefined) continue;
          const { id } = namesOf(read.entry);
          if (!left.delete(id)) continue;
          const change = this.#deps.writer.changesOf(id).at(-1);
          found.push({ entry: parkedAs(read.entry, change), ord: read.ord });
        }
        return Promise.resolve();
      });
      if (!isRead) return false;
    }
    return true;
  }
}

function parkedAs(entry: Entry, change: Change | undefined): Entry {
  if (change?.park === undefined || "call" in entry) return entry;
  return { report: { ...entry.report, parked: change.park ?? undefined } };
}
