/**
 * All that the backend must be told, until it was.
 *
 * @module
 */

import { type Identity, identityOf } from "../identity.ts";
import type { TimeOrderedIds } from "../ids.ts";
import type { AcceptedCall, Report } from "../outbox/entry.ts";
import type { Found, Store } from "../outbox/store.ts";
import { type HeldDeps, HeldReports } from "./held.ts";
import {
  infoOf,
  pageOf,
  type ReportInfo,
  type ReportPage,
  type ReportQuery,
} from "./inspection.ts";
import { type PlaceGauges, Places } from "./places.ts";
import { PromisedCalls } from "./promised.ts";
import { adoptFound } from "./recovery.ts";
import type { RoomSeeker } from "./report_lane.ts";
import { type DeliverOptions, type DeliveryState, Tracked } from "./tracked.ts";

export interface DeliveriesDeps extends HeldDeps {
  readonly store: Store;
  readonly ids: Pick<TimeOrderedIds, "next">;
  readonly metrics: HeldDeps["metrics"] & PlaceGauges;
  /** `--max-reports`. */
  readonly maxReports: number;
  /** Threads that have reports, over which the bounds are; 1 without it. */
  readonly threads?: number;
}

/** Whether a CALL may be accepted. */
export type Reserved = "kept" | "no_room" | "not_kept";

/** A report that has its turn in its client's lane, and may not go yet. Nothing of it comes twice. */
export interface HeldReport {
  /** It goes, in its turn; behind all others of its client when it was set aside. */
  release(): void;
  /** No other waits for it any longer. It stays kept. */
  setAside(): void;
  /** It never goes from here, and whoever follows it is not told. */
  withdraw(): void;
}

/**
 * The way of one thread's reports to the backend, in a lane for each client.
 *
 * - A report is tried until the backend takes it, refuses it for good, answers it badly ten times and for
 *   15 minutes, or until it is too old: then it is parked, which is logged once.
 * - The store is told of it before its first try, and when it is over.
 * - Nothing here rejects, and no fault with one report costs another one.
 */
export class Deliveries {
  readonly #deps: DeliveriesDeps;
  readonly #places: Places;
  readonly #held: HeldReports;
  /** Undefined where nothing can be lost. */
  readonly #promised: PromisedCalls | undefined;

  constructor(deps: DeliveriesDeps) {
    this.#deps = deps;
    this.#places = new Places(deps.maxReports, deps.metrics, deps.threads);
    this.#held = new HeldReports(deps, this.#places);
    if (deps.store.follow !== undefined) this.#promised = new PromisedCalls(deps.log);
  }

  /** Reports of this thread that the backend has not taken, parked ones not counted. */
  get waiting(): number {
    return this.#held.waiting.size;
  }

  /** Whether what is accepted here is delivered from here alone, if need be after the next start. */
  get isLasting(): boolean {
    return this.#deps.store.isLasting === true;
  }

  /** Ends of connections of all threads that it has not taken. */
  get disconnects(): number {
    return this.#places.disconnects;
  }

  /** Reports of one client that wait or are under way. */
  countOf(clientId: string): number {
    return this.#held.lanes.countOf(clientId);
  }

  /**
   * A CALL is about to be accepted: takes a place for its outcome, and has the store keep it.
   *
   * @param done Called once, maybe before this returns. Only what is `kept` may be accepted; then `deliver`
   *   with its id and `hasPlace`, or `giveUp`, must follow.
   * @param onLost Told when the CALL is another owner's before it has an outcome.
   */
  accept(call: AcceptedCall, done: (reserved: Reserved) => void, onLost?: () => void): void {
    if (!this.#places.reserve()) return done("no_room");
    this.#promised?.begin(call.id, onLost);
    this.#deps.store.accept(call, (isKept) => {
      if (!isKept) {
        this.#promised?.end(call.id);
        this.#places.giveBack();
      }
      done(isKept ? "kept" : "not_kept");
    });
  }

  /** A CALL that was kept will have no outcome from here. */
  giveUp(id: string): void {
    if (this.#promised?.end(id) !== true) this.#deps.store.delivered(id);
    this.#places.giveBack();
  }

  /**
   * Whether one more outcome of this client's may be caused.
   *
   * @param seeker Told once when there is room again; of one client the last one counts.
   */
  hasRoom(clientId: string, seeker: RoomSeeker): boolean {
    return this.#held.hasRoom(clientId, seeker);
  }

  /** This one has gone, and need not be told. */
  forgetSeeker(clientId: string, seeker: RoomSeeker): void {
    this.#held.forgetSeeker(clientId, seeker);
  }

  /** Whether a CALLRESULTERROR of this client's can be reported. */
  roomForResultError(clientId: string): "room" | "client_full" | "all_full" {
    if (!this.#places.hasRoomForResultError) return "all_full";
    return this.#held.lanes.hasRoom(clientId) ? "room" : "client_full";
  }

  /** Takes a report, whether there is room or not: at once, or behind those of its client before it. */
  deliver(client: Identity, report: Report, options: DeliverOptions = {}): void {
    this.#enter(client, report, options, false);
    this.#held.lanes.run();
  }

  /**
   * The same, but it does not go before it is released: until then it holds back the later ones of its
   * client. It is kept as the others are, so that it goes after a restart.
   */
  hold(client: Identity, report: Report, options: DeliverOptions = {}): HeldReport {
    const tracked = this.#enter(client, report, options, true);
    return {
      release: () => this.#held.release(tracked),
      setAside: () => this.#held.setAside(tracked),
      withdraw: () => this.#held.withdraw(tracked),
    };
  }

  #enter(
    client: Identity,
    report: Report,
    { id, hasPlace = false, told }: DeliverOptions,
    isHeld: boolean,
  ): Tracked {
    const { clock, ids, store, log } = this.#deps;
    const isLost = hasPlace && id !== undefined && this.#promised?.end(id) === true;
    const kept = {
      // Others may have given one id to two CALLs.
      id: id === undefined || this.#get(id) !== undefined ? ids.next() : id,
      client: identityOf(client),
      report,
      since: clock.wallNow(),
    };
    const tracked = new Tracked(kept, clock.now(), told);
    tracked.isHeld = isHeld;
    if (isLost) {
      this.#places.giveBack();
      tracked.tell("lost", log);
    } else {
      store.end(kept);
      this.#held.enter(tracked, hasPlace);
    }
    return tracked;
  }

  /**
   * Takes over what was found: reports, and CALLs, which end as errors. It goes by and by, behind what is
   * here of its clients; what has the id of something that is here is passed over.
   *
   * @param reason Why these have no other outcome.
   * @param told Called at each change of one of these reports.
   */
  adopt(
    found: Found,
    reason: string,
    told?: (id: string, state: DeliveryState) => void,
  ): void {
    const here = { held: this.#held, has: (id: string) => this.has(id) };
    adoptFound(found, reason, told, { ...this.#deps, ...here });
  }

  /**
   * What has these ids is another owner's by now: it is over here, and what its CALLs come to goes
   * nowhere. The store is told nothing of it; who follows one of these reports is told that it is lost.
   */
  lost(ids: readonly string[]): void {
    for (const id of ids) {
      this.#promised?.lose(id);
      const tracked = this.#get(id);
      if (tracked !== undefined) this.#held.lose(tracked);
    }
    // Not before: none goes out because the one before it in its lane has left.
    this.#held.lanes.run();
  }

  /** Whether a report with this id is here, or an accepted CALL that it will be of. */
  has(id: string): boolean {
    return this.#get(id) !== undefined || this.#promised?.has(id) === true;
  }

  /** Whether all tries have ended for good. */
  get isClosed(): boolean {
    return this.#held.isClosed;
  }

  /** One page of the reports of this thread. */
  list(query: ReportQuery): ReportPage {
    return pageOf(this.#held, query);
  }

  /** @returns Undefined for an id that is not known. */
  find(id: string): ReportInfo | undefined {
    const tracked = this.#get(id);
    return tracked === undefined || tracked.isRemoved ? undefined : infoOf(tracked);
  }

  /**
   * A parked report waits again, behind all of its client's and as if it had just come; of one that
   * waits the client's lane is tried now.
   *
   * @returns Whether there is such a report.
   */
  retry(id: string): boolean {
    const tracked = this.#get(id);
    if (tracked === undefined || tracked.isRemoved) return false;
    if (tracked.state !== "parked") this.#held.wake(tracked);
    else {
      this.#held.unpark(tracked);
      this.#held.lanes.run();
    }
    return true;
  }

  /**
   * The same for all parked ones, by and by, while there are places for them; the rest stays parked.
   *
   * @param since Only those that came to be then or later, in milliseconds since 1970.
   * @returns How many wait again.
   */
  retryParked(since = -Infinity): number {
    const { parking, lanes } = this.#held;
    const all = [...parking.values()].filter((parked) => parked.since >= since);
    if (all.length > 0) lanes.catchUp();
    let count = 0;
    for (const parked of all) {
      if (!this.#places.hasRoomFor(parked)) break;
      this.#held.unpark(parked);
      count++;
    }
    lanes.run();
    return count;
  }

  /**
   * Gives a report up; one that is under way when its try has ended.
   *
   * @returns Whether there is such a report.
   */
  remove(id: string): boolean {
    const tracked = this.#get(id);
    if (tracked === undefined || tracked.isRemoved) return false;
    this.#held.remove(tracked);
    return true;
  }

  /** The backend can be reached: others have noticed. */
  reachable(): void {
    this.#held.lanes.reachable();
  }

  /** Resolves when none of this thread waits. */
  whenEmpty(): Promise<void> {
    return this.#held.whenEmpty();
  }

  /** Ends all tries and timers. */
  close(): void {
    this.#held.close();
  }

  #get(id: string): Tracked | undefined {
    return this.#held.waiting.get(id) ?? this.#held.parking.get(id);
  }
}
