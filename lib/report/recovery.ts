/**
 * What an earlier process or a dead thread has left.
 *
 * @module
 */

import { dialectOf } from "../codec/subprotocol.ts";
import type { AcceptedCall, KeptReport } from "../outbox/entry.ts";
import { outcomeReport } from "./report.ts";
import { type DeliveryState, Tracked } from "./tracked.ts";

/** Told of each change of a report. */
type Told = (state: DeliveryState) => void;

/** What is older than it may be has so much time left, so that it is tried before it is given up. */
const GRACE_MS = 15 * 60_000;

/** When it is. */
export interface Moment {
  /** By the clock. */
  readonly now: number;
  /** In milliseconds since 1970. */
  readonly wallNow: number;
}

/**
 * A report that was found.
 *
 * Its age is the wall clock's, once, and the clock's from then on: a wall clock that jumps later changes
 * nothing, and one that is wrong at the start costs no report at once.
 */
export function foundReport(
  kept: KeptReport,
  ttlMs: number,
  { now, wallNow }: Moment,
  told?: Told,
): Tracked {
  const { parked, since } = kept;
  const ageMs = Math.max(0, wallNow - (parked?.at ?? since));
  const tracked = new Tracked(kept, now - Math.min(ageMs, ttlMs - Math.min(ttlMs, GRACE_MS)), told);
  if (parked === undefined) return tracked;
  tracked.tries = parked.tries;
  tracked.lastFailure = parked.failure;
  return tracked;
}

/** The end of a CALL that was accepted, and whose outcome nobody will know. */
export function endOf(
  call: AcceptedCall,
  reason: string,
  { now, wallNow }: Moment,
  told?: Told,
): Tracked {
  const { id, client } = call;
  const outcome = { kind: "gone", wasSent: true, reason } as const;
  const report = outcomeReport(call, outcome, dialectOf(client.protocol), "");
  return new Tracked({ id, client, report, since: wallNow }, now, told);
}
