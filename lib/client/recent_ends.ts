/**
 * Which clients come and go.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { type Identity, identityOf } from "../identity.ts";

/** A client whose connections ended lately. */
export interface Ended {
  /** Its last connection that ended. */
  readonly client: Identity;
  /** When, in milliseconds since 1970. */
  readonly endedAt: number;
  /** How many of its connections ended in the last hour. */
  readonly ends: number;
}

/** Clients that are told of: those with the most ends. */
export const MAX_RECENT_ENDS = 1000;
/** The last hour, to ten minutes. */
const PARTS = 6;
const PART_MS = 600_000;

interface Kept {
  client: Identity;
  endedAt: number;
  /** Ends in each of the last parts of time; that of part N at N modulo `PARTS`. */
  readonly parts: number[];
  /** The part of time that was counted last. */
  part: number;
}

/**
 * Owns how often connections of a client ended in the last hour.
 *
 * Bounded: of twice as many clients as are told of, those with the fewest ends are forgotten, among
 * equals those that are known longest. So one that has ended twice stays when all others end at once; one
 * that has ended once is forgotten when 1,000 others end before it does so again. Nothing is kept of a
 * client whose connection has not ended.
 */
export class RecentEnds {
  readonly #clock: Pick<Clock, "now" | "wallNow">;
  readonly #kept = new Map<string, Kept>();

  constructor(clock: Pick<Clock, "now" | "wallNow">) {
    this.#clock = clock;
  }

  /** A connection of this client has ended. */
  note(client: Identity): void {
    const part = this.#part();
    const endedAt = this.#clock.wallNow();
    const known = this.#kept.get(client.clientId);
    if (known === undefined) {
      const parts = new Array<number>(PARTS).fill(0);
      parts[part % PARTS] = 1;
      this.#kept.set(client.clientId, { client: identityOf(client), endedAt, parts, part });
      if (this.#kept.size > 2 * MAX_RECENT_ENDS) this.#forget(part);
      return;
    }
    known.client = identityOf(client);
    known.endedAt = endedAt;
    for (let i = Math.max(known.part, part - PARTS) + 1; i <= part; i++) known.parts[i % PARTS] = 0;
    known.part = part;
    known.parts[part % PARTS]!++;
  }

  /** Clients whose connections ended, those with the most ends first. */
  list(): Ended[] {
    const part = this.#part();
    return [...this.#kept.values()]
      .map((kept) => ({ client: kept.client, endedAt: kept.endedAt, ends: countOf(kept, part) }))
      .filter(({ ends }) => ends > 0)
      .sort((a, b) => b.ends - a.ends)
      .slice(0, MAX_RECENT_ENDS);
  }

  #part(): number {
    return Math.floor(this.#clock.now() / PART_MS);
  }

  #forget(part: number): void {
    // The newest first, and so the sort, which is stable, has little to do when all ended once.
    const all = [...this.#kept].reverse()
      .map(([id, kept]) => ({ id, kept, ends: countOf(kept, part) }))
      .sort((a, b) => b.ends - a.ends);
    this.#kept.clear();
    for (const { id, kept, ends } of all.slice(0, MAX_RECENT_ENDS).reverse()) {
      if (ends > 0) this.#kept.set(id, kept);
    }
  }
}

/** Without the parts of time that are over for an hour. */
function countOf({ parts, part }: Kept, now: number): number {
  let count = 0;
  for (let i = Math.max(0, now - PARTS + 1); i <= part; i++) count += parts[i % PARTS]!;
  return count;
}
