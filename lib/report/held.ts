/**
 * The reports of one thread: those that wait, and those that are parked.
 *
 * @module
 */

import type { Timer } from "../clock.ts";
import { traceIdOf } from "../codec/trace_context.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Store } from "../outbox/store.ts";
import { Lanes, type LanesDeps } from "./lanes.ts";
import type { LanesOwner } from "./lanes_owner.ts";
import { Outage } from "./outage.ts";
import { Parking } from "./parking.ts";
import type { Places } from "./places.ts";
import type { RoomSeeker } from "./report_lane.ts";
import { Seekers } from "./seekers.ts";
import { reportNames, Tracked } from "./tracked.ts";

export interface HeldDeps extends LanesDeps {
  readonly store: Pick<Store, "park" | "delivered">;
  readonly metrics:
    & LanesDeps["metrics"]
    & Pick<
      Metrics,
      "requestsSucceeded" | "requestsFailed" | "reportsLost" | "reportsParked" | "outboxOldest"
    >;
  /** `--report-ttl`. */
  readonly reportTtlMs: number;
}

/** How often is looked at what is too old, and how old the oldest is. */
const LOOK_MS = 1000;

/**
 * Owns each report from when it began to wait until the backend has it or it is given up, and the one
 * timer of all that waits longer than for its first try.
 *
 * Always true: a report is waiting or parked, and the places say so; who follows it and the store are
 * told of each change once, after it.
 */
export class HeldReports implements LanesOwner {
  readonly #deps: HeldDeps;
  readonly #places: Places;
  readonly #lanes: Lanes;
  readonly #parking: Parking;
  readonly #outage: Outage;
  /** By id, in the order in which they began to wait. */
  readonly #waiting = new Map<string, Tracked>();
  readonly #seekers: Seekers;
  #onEmpty: (() => void)[] = [];
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(deps: HeldDeps, places: Places) {
    this.#deps = deps;
    this.#places = places;
    this.#seekers = new Seekers(places);
    this.#lanes = new Lanes(deps, this);
    this.#parking = new Parking(places, (tracked) => this.#forgotten(tracked));
    this.#outage = new Outage(deps.clock, deps.log);
  }

  get lanes(): Pick<Lanes, "countOf" | "hasRoom" | "catchUp" | "reachable" | "run"> {
    return this.#lanes;
  }

  get waiting(): ReadonlyMap<string, Tracked> {
    return this.#waiting;
  }

  get parking(): Pick<Parking, "get" | "values"> {
    return this.#parking;
  }

  /** A report begins to wait; `lanes.run` must follow. @param hasPlace As `Places.enter` has it. */
  enter(tracked: Tracked, hasPlace: boolean): void {
    this.#waiting.set(tracked.id, tracked);
    this.#places.enter(tracked, hasPlace);
    this.#lanes.add(tracked);
    // No try of it comes that would look at its age.
    if (tracked.isHeld) this.waits();
  }

  /** One that was found parked. */
  enterParked(tracked: Tracked): void {
    this.#parking.add(tracked);
    this.waits();
  }

  /** As `Deliveries` has them. */
  hasRoom(clientId: string, seeker: RoomSeeker): boolean {
    if (!this.#lanes.hasRoom(clientId, seeker)) return false;
    if (this.#seekers.hasRoom(clientId, seeker)) return true;
    this.waits();
    return false;
  }

  forgetSeeker(clientId: string, seeker: RoomSeeker): void {
    this.#lanes.forgetSeeker(clientId, seeker);
    this.#seekers.forget(clientId, seeker);
  }

  /** A parked report waits again, as if it had just come; `lanes.run` must follow. */
  unpark(parked: Tracked): void {
    this.#parking.take(parked);
    parked.state = "gone";
    this.#deps.store.park(parked.id, undefined);
    const again = new Tracked(parked.kept, this.#deps.clock.now(), parked.told);
    this.enter(again, false);
    again.tell("waiting", this.#deps.log);
  }

  /** The lane of this one, which waits, is tried now. */
  wake(tracked: Tracked): void {
    this.#lanes.wake(tracked);
  }

  /** Gives one up; one that is under way when its try has ended. */
  remove(tracked: Tracked): void {
    if (tracked.state === "parked") {
      this.#parking.take(tracked);
      tracked.state = "gone";
      this.#over(tracked, "removed");
    } else if (this.#lanes.isUnderWay(tracked)) tracked.isRemoved = true;
    else {
      this.#lanes.takeOut(tracked);
      this.removed(tracked);
      this.#lanes.run();
    }
  }

  /** One that was held goes. */
  release(tracked: Tracked): void {
    if (!this.#isHeld(tracked)) return;
    tracked.isHeld = false;
    if (tracked.state === "waiting") this.#lanes.released(tracked);
    else {
      tracked.state = "waiting";
      this.#lanes.add(tracked);
    }
    this.#lanes.run();
  }

  /** One that is held leaves its lane, and is kept. */
  setAside(tracked: Tracked): void {
    if (!this.#isHeld(tracked)) return;
    this.#lanes.takeOut(tracked);
    this.#lanes.run();
  }

  /** One that was held never goes. */
  withdraw(tracked: Tracked): void {
    if (!this.#isHeld(tracked)) return;
    this.#deps.store.delivered(tracked.id);
    this.#drop(tracked);
    this.#lanes.run();
  }

  /**
   * Another owner has it: the store has nothing of it any more. One that is under way is over here too,
   * but holds back the later ones of its client until its try has ended. `lanes.run` must follow.
   */
  lose(tracked: Tracked): void {
    tracked.isLost = true;
    if (tracked.state === "parked") {
      this.#parking.take(tracked);
      tracked.state = "gone";
    } else this.#drop(tracked);
    tracked.tell("lost", this.#deps.log);
  }

  /** It waits no longer. */
  #drop(tracked: Tracked): void {
    if (!this.#lanes.isUnderWay(tracked)) this.#lanes.takeOut(tracked);
    this.#leave(tracked);
    this.#tellIfEmpty();
  }

  /** Not one that was removed or parked meanwhile. */
  #isHeld(tracked: Tracked): boolean {
    return tracked.isHeld && this.#waiting.get(tracked.id) === tracked;
  }

  whenEmpty(): Promise<void> {
    return this.#waiting.size === 0
      ? Promise.resolve()
      : new Promise((resolve) => this.#onEmpty.push(resolve));
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  close(): void {
    this.#isClosed = true;
    this.#lanes.close();
    if (this.#timer !== undefined) this.#deps.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  taken(tracked: Tracked): void {
    this.#deps.metrics.requestsSucceeded.add(1);
    this.removed(tracked, "delivered");
  }

  removed(tracked: Tracked, state: "delivered" | "removed" = "removed"): void {
    if (tracked.isLost) return;
    this.#leave(tracked);
    this.#over(tracked, state);
    this.#tellIfEmpty();
  }

  givenUp(tracked: Tracked): void {
    const { store, clock, metrics, log } = this.#deps;
    const { id, tries, report: { kind, trace } } = tracked;
    const failure = tracked.lastFailure ?? "not tried";
    this.#leave(tracked);
    metrics.requestsFailed.add(1);
    metrics.reportsParked[kind].add(1);
    const traced = trace === undefined ? {} : { traceId: traceIdOf(trace) };
    log.error("report parked", { ...reportNames(tracked), failure, tries, ...traced });
    store.park(id, { at: clock.wallNow(), failure, tries });
    tracked.bornAt = clock.now();
    this.#parking.add(tracked);
    tracked.tell("parked", log);
    this.waits();
    this.#tellIfEmpty();
  }

  isTooOld({ bornAt }: Tracked): boolean {
    return this.#deps.clock.now() - bornAt >= this.#deps.reportTtlMs;
  }

  waits(): void {
    if (this.#timer !== undefined || this.#isClosed) return;
    this.#timer = this.#deps.clock.setTimeout(() => {
      this.#timer = undefined;
      this.#look();
    }, LOOK_MS);
  }

  wentAway(): void {
    this.#outage.begin(this.#waiting.size);
    this.waits();
  }

  caughtUp(): void {
    this.#outage.end(this.#waiting.size);
  }

  /** What must be seen to now and then, while there is anything. */
  #look(): void {
    const { clock, metrics, reportTtlMs } = this.#deps;
    for (const tracked of this.#waiting.values()) {
      if (!this.isTooOld(tracked)) break;
      // Its try ends soon, and then it is asked about.
      if (this.#lanes.isUnderWay(tracked)) continue;
      this.#lanes.takeOut(tracked);
      this.givenUp(tracked);
    }
    this.#lanes.run();
    this.#parking.forgetUntil(clock.now() - reportTtlMs);
    this.#parking.trim();
    const oldest = this.#waiting.values().next().value;
    const ageMs = oldest === undefined ? 0 : clock.now() - oldest.bornAt;
    metrics.outboxOldest.own = ageMs / 1000;
    this.#outage.look(this.#places.waiting, 1000 * metrics.outboxOldest.max);
    this.#seekers.tell();
    if (this.#waiting.size + this.#parking.size + this.#seekers.size > 0) this.waits();
  }

  #forgotten(tracked: Tracked): void {
    tracked.state = "gone";
    this.#deps.metrics.reportsLost[tracked.report.kind].add(1);
    this.#deps.log.error("parked report forgotten", reportNames(tracked));
    this.#over(tracked, "removed");
  }

  #leave(tracked: Tracked): void {
    this.#waiting.delete(tracked.id);
    this.#places.leave(tracked);
    if (this.#seekers.size > 0) this.#seekers.tell();
  }

  #over(tracked: Tracked, state: "delivered" | "removed"): void {
    this.#deps.store.delivered(tracked.id);
    tracked.tell(state, this.#deps.log);
  }

  #tellIfEmpty(): void {
    if (this.#waiting.size > 0) return;
    for (const resolve of this.#onEmpty.splice(0)) resolve();
  }
}
