/**
 * What an earlier process, a dead thread or another owner has left.
 *
 * @module
 */

import { dialectOf } from "../codec/subprotocol.ts";
import type { Clock } from "../clock.ts";
import type { Log } from "../log/log.ts";
import type { AcceptedCall, KeptReport } from "../outbox/entry.ts";
import type { Found, Store } from "../outbox/store.ts";
import type { HeldReports } from "./held.ts";
import { outcomeReport } from "./report.ts";
import { type DeliveryState, Tracked } from "./tracked.ts";

/** Told of each change of a report. */
type Told = (state: DeliveryState) => void;

/** What is older than it may be has so much time left, so that it is tried before it is given up. */
const GRACE_MS = 15 * 60_000;

/** When it is. */
interface Moment {
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
function foundReport(
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
function endOf(
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

export interface RecoveryDeps {
  readonly store: Pick<Store, "end">;
  readonly clock: Clock;
  readonly log: Pick<Log, "info">;
  readonly reportTtlMs: number;
  readonly held: Pick<HeldReports, "lanes" | "enter" | "enterParked">;
  /** Whether this one is here already. */
  readonly has: (id: string) => boolean;
}

/** Has all that is not here already wait, or parked. `Deliveries.adopt` says the rest. */
export function adoptFound(
  { calls, reports }: Found,
  reason: string,
  told: ((id: string, state: DeliveryState) => void) | undefined,
  { store, clock, log, reportTtlMs, held, has }: RecoveryDeps,
): void {
  if (calls.length + reports.length === 0) return;
  const moment = { now: clock.now(), wallNow: clock.wallNow() };
  const tell = (id: string) => told && ((state: DeliveryState): void => told(id, state));
  const count = { waiting: 0, calls: 0, parked: 0 };
  held.lanes.catchUp();
  let bornAt = -Infinity;
  for (const kept of reports) {
    if (has(kept.id)) continue;
    const tracked = foundReport(kept, reportTtlMs, moment, tell(kept.id));
    if (kept.parked !== undefined) {
      count.parked++;
      held.enterParked(tracked);
      continue;
    }
    count.waiting++;
    // In the order of their ages, whatever the wall clock was when they came.
    tracked.bornAt = bornAt = Math.max(bornAt, tracked.bornAt);
    held.enter(tracked, false);
  }
  for (const call of calls) {
    if (has(call.id)) continue;
    count.calls++;
    const tracked = endOf(call, reason, moment, tell(call.id));
    store.end(tracked.kept);
    held.enter(tracked, false);
  }
  if (count.waiting + count.calls + count.parked > 0) log.info("reports recovered", count);
  held.lanes.run();
}
