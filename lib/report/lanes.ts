/**
 * The lanes of all clients, and which of them may go.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { BackendReply, Forwarder } from "../forwarder/forwarder.ts";
import { retryPauseMs } from "../forwarder/retry.ts";
import type { Log } from "../log/log.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { QueueLimits } from "../queue/lane.ts";
import type { Random } from "../random.ts";
import type { EarlierReports, LanesFollower } from "./earlier.ts";
import { Flow } from "./flow.ts";
import { LaneOrder } from "./lane_order.ts";
import type { LanesOwner } from "./lanes_owner.ts";
import { type LaneOwner, ReportLane, type RoomSeeker } from "./report_lane.ts";
import { requestOf } from "./request.ts";
import { reportNames, type Tracked } from "./tracked.ts";
import { askedPauseMs, failureOf, isAnswered, verdictOf } from "./verdict.ts";

export interface LanesDeps {
  readonly forwarder: Pick<Forwarder, "forward">;
  readonly clock: Clock;
  readonly random: Pick<Random, "fraction">;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "requestsStarted" | "backendRetries" | "slotsAwaited">;
  /** What may wait for one client. */
  readonly limits: QueueLimits;
  /** Most requests under way to the backend, and those of them that are kept for outcomes. */
  readonly slots: number;
  readonly outcomeSlots: number;
  /** Whose lanes must wait. */
  readonly earlier?: EarlierReports | undefined;
  readonly follower?: LanesFollower | undefined;
}

/**
 * Owns the lanes and the order in which they go.
 *
 * Always true: the reports of one client go one after the other, in the order in which they were added; a
 * report that waits holds back no other client's; each is told of to the owner once.
 */
export class Lanes implements LaneOwner {
  readonly #deps: LanesDeps;
  readonly #owner: LanesOwner;
  readonly #lanes = new Map<string, ReportLane>();
  readonly #order = new LaneOrder();
  readonly #flow: Flow;
  #lastNumber = 0;
  #isRunning = false;
  #isClosed = false;

  constructor(deps: LanesDeps, owner: LanesOwner) {
    this.#deps = deps;
    this.#owner = owner;
    this.#flow = new Flow({
      clock: deps.clock,
      random: () => deps.random.fraction(),
      max: deps.slots,
      share: Math.max(1, deps.outcomeSlots),
      isCrowded: () => deps.metrics.slotsAwaited.own > 0,
      go: () => this.run(),
      onAway: () => owner.wentAway(),
      onCaughtUp: () => owner.caughtUp(),
    });
    deps.earlier?.onFree((clientId) => this.#free(clientId));
  }

  /** Reports of a client that wait or are under way. */
  countOf(clientId: string): number {
    return this.#lanes.get(clientId)?.count ?? 0;
  }

  /** Whether a client may cause one more. @param seeker Told once when it may, if it may not. */
  hasRoom(clientId: string, seeker?: RoomSeeker): boolean {
    const lane = this.#lanes.get(clientId);
    if (lane === undefined || lane.hasRoom(this.#deps.limits)) return true;
    if (seeker !== undefined) lane.seeker = seeker;
    return false;
  }

  /** This one need not be told any more. */
  forgetSeeker(clientId: string, seeker: RoomSeeker): void {
    const lane = this.#lanes.get(clientId);
    if (lane?.seeker === seeker) lane.seeker = null;
  }

  /** Puts a report at the end of its client's lane; `run` must follow. */
  add(tracked: Tracked): void {
    const { clientId } = tracked.client;
    let lane = this.#lanes.get(clientId);
    if (lane === undefined) {
      lane = new ReportLane(clientId, this, this.#deps.clock);
      this.#lanes.set(clientId, lane);
      this.#deps.follower?.began(clientId);
    }
    tracked.number = ++this.#lastNumber;
    lane.push(tracked);
    if (lane.state === "resting") this.#queue(lane);
  }

  /** Much was added that should go by and by; before the first of it. */
  catchUp(): void {
    this.#flow.catchUp();
  }

  /** The backend can be reached: others have noticed. */
  reachable(): void {
    this.#flow.reachable();
  }

  /** Whether a report is under way at this moment. */
  isUnderWay(tracked: Tracked): boolean {
    return this.#lanes.get(tracked.client.clientId)?.underWay === tracked;
  }

  /** A report in its lane was held, and is no longer; `run` must follow. */
  released({ client: { clientId } }: Tracked): void {
    const lane = this.#lanes.get(clientId);
    if (lane?.state === "resting") this.#queue(lane);
  }

  /** Takes a report out that is not under way, if it is still in; the owner is not told. */
  takeOut(tracked: Tracked): void {
    const lane = this.#lanes.get(tracked.client.clientId);
    if (lane === undefined || tracked.state !== "waiting") return;
    const isHead = lane.head === tracked;
    this.#leave(lane, tracked);
    if (isHead) {
      // What the backend asked for holds for the lane, whoever has this report now.
      if (!tracked.isLost || lane.head === undefined) lane.stopPause();
      lane.failures = 0;
    }
    this.#tellSeeker(lane);
    this.#goOn(lane);
  }

  /** The lane of this report is tried now, whatever it waits for. */
  wake({ client: { clientId } }: Tracked): void {
    const lane = this.#lanes.get(clientId);
    if (lane?.state === "paused") {
      lane.stopPause();
      this.#queue(lane);
    }
    this.#flow.probe();
    this.run();
  }

  /** Begins what may begin. */
  run(): void {
    // A reply may come before `forward` returns: what it lets go goes in the loop below.
    if (this.#isRunning || this.#isClosed) return;
    this.#isRunning = true;
    try {
      while (this.#flow.mayBegin) {
        const lane = this.#order.pop();
        if (lane === undefined) {
          this.#flow.nothingLeft();
          break;
        }
        if (this.#deps.earlier?.has(lane.clientId) === true) {
          lane.state = "held";
          this.#owner.waits();
        } else if (lane.head!.isHeld) {
          // Until that is released or taken out.
          lane.state = "resting";
        } else this.#post(lane);
      }
    } finally {
      this.#isRunning = false;
    }
    if (this.#order.size > 0) this.#owner.waits();
  }

  /** Nothing begins any more, and no timer is left. */
  close(): void {
    this.#isClosed = true;
    this.#flow.close();
    for (const lane of this.#lanes.values()) lane.stopPause();
  }

  awake(lane: ReportLane): void {
    this.#queue(lane);
    this.run();
  }

  replied(lane: ReportLane, reply: BackendReply): void {
    const tracked = lane.underWay!;
    lane.underWay = undefined;
    lane.state = "resting";
    tracked.tries++;
    const verdict = verdictOf(reply);
    if (!reply.ok && reply.fault === "unreachable") this.#flow.unreachable(lane.epoch);
    else this.#flow.reached(lane.epoch, isAnswered(reply), verdict === "taken");
    if (verdict === "taken") {
      this.#leave(lane, tracked);
      lane.failures = 0;
      this.#owner.taken(tracked);
    } else this.#failed(lane, tracked, reply, verdict === "final");
    this.#tellSeeker(lane);
    this.#goOn(lane);
    this.run();
  }

  #failed(lane: ReportLane, tracked: Tracked, reply: BackendReply, isFinal: boolean): void {
    tracked.lastFailure = failureOf(reply);
    const { log, random, clock } = this.#deps;
    if (tracked.isRemoved || tracked.isLost) {
      this.#leave(lane, tracked);
      lane.failures = 0;
      const askedMs = isFinal ? 0 : askedPauseMs(reply, clock.wallNow(), random);
      if (askedMs > 0 && !this.#isClosed && lane.head !== undefined) lane.pause(askedMs);
      return this.#owner.removed(tracked);
    }
    const isBad = isAnswered(reply) && tracked.isAnsweredTooBadly(clock.now());
    if (isFinal || isBad || this.#owner.isTooOld(tracked)) return this.#giveUp(lane, tracked);
    this.#owner.waits();
    if (this.#isClosed || (!reply.ok && reply.fault === "unreachable")) return;
    if (lane.failures++ === 0) {
      const failure = tracked.lastFailure;
      log.warn("report not taken, tried again", { ...reportNames(tracked), failure });
    }
    const ownMs = retryPauseMs(lane.failures, random.fraction());
    lane.pause(Math.max(ownMs, askedPauseMs(reply, clock.wallNow(), random)));
  }

  #giveUp(lane: ReportLane, tracked: Tracked): void {
    this.#leave(lane, tracked);
    lane.failures = 0;
    this.#owner.givenUp(tracked);
  }

  #leave(lane: ReportLane, tracked: Tracked): void {
    tracked.state = "gone";
    lane.left(tracked);
  }

  #tellSeeker(lane: ReportLane): void {
    const { seeker } = lane;
    if (seeker === null || !lane.hasRoom(this.#deps.limits)) return;
    lane.seeker = null;
    seeker.roomForReport();
  }

  /** The lane goes on with its next report, unless it waits for something; one that is empty ends. */
  #goOn(lane: ReportLane): void {
    if (lane.head === undefined && lane.state !== "under_way") {
      const wasQueued = lane.state === "queued";
      lane.state = "gone";
      if (this.#lanes.get(lane.clientId) === lane) {
        this.#lanes.delete(lane.clientId);
        this.#deps.follower?.ended(lane.clientId);
      }
      if (wasQueued) this.#order.lost();
    } else if (lane.state === "resting") this.#queue(lane);
  }

  #free(clientId: string): void {
    const lane = this.#lanes.get(clientId);
    if (lane?.state !== "held") return;
    this.#queue(lane);
    this.run();
  }

  #queue(lane: ReportLane): void {
    lane.state = "queued";
    lane.key = lane.head!.number;
    this.#order.push(lane);
  }

  #post(lane: ReportLane): void {
    const { forwarder, log, metrics } = this.#deps;
    const tracked = lane.head!;
    lane.state = "under_way";
    lane.underWay = tracked;
    lane.epoch = this.#flow.began();
    if (tracked.tries === 0) metrics.requestsStarted.add(1);
    else metrics.backendRetries[tracked.report.kind].add(1);
    try {
      forwarder.forward(requestOf(tracked), lane);
    } catch (error) {
      // A fault of ours, such as a name that no URL can hold: it costs this report, and nothing else.
      log.error("a report failed", { ...reportNames(tracked), error: String(error) });
      if (lane.underWay !== tracked) return;
      lane.underWay = undefined;
      lane.state = "resting";
      tracked.lastFailure = "unusable";
      this.#flow.reached(lane.epoch, false, false);
      this.#giveUp(lane, tracked);
      this.#goOn(lane);
    }
    // What is under way does not count.
    this.#tellSeeker(lane);
  }
}
