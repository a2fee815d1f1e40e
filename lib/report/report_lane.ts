/**
 * The reports of one client, in the order in which they came.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import type { BackendReply, Requester } from "../forwarder/forwarder.ts";
import type { QueueLimits } from "../queue/lane.ts";
import { Queue } from "../queue/queue.ts";
import type { Tracked } from "./tracked.ts";

/** Who is told when there is room for one more report of a client. */
export interface RoomSeeker {
  roomForReport(): void;
}

/** Whom a lane tells. */
export interface LaneOwner {
  /** The backend has replied to what was under way. */
  replied(lane: ReportLane, reply: BackendReply): void;
  /** The pause is over. */
  awake(lane: ReportLane): void;
}

/**
 * Owns the reports of one client that wait or are under way, over all of its connections in this thread.
 * At most one is under way. It exists only while there are any.
 *
 * `state` says where it stands, and its owner moves it on: `resting` for a moment only, in the order of
 * all lanes that may go (`queued`), `under_way`, `paused` by its own timer, or `held` behind earlier
 * reports in another thread.
 */
export class ReportLane implements Requester {
  readonly clientId: string;
  state: "resting" | "queued" | "under_way" | "paused" | "held" | "gone" = "resting";
  /** Failed tries of the first report in a row, those not counted that could not reach the backend. */
  failures = 0;
  /** Of `Flow`: when what is under way began. */
  epoch = 0;
  /** The number of its first report when it was queued. */
  key = 0;
  underWay: Tracked | undefined;
  seeker: RoomSeeker | null = null;
  /** All of them, and the length of their bodies in UTF-16 code units. */
  count = 0;
  #chars = 0;
  readonly #items = new Queue<Tracked>();
  readonly #owner: LaneOwner;
  readonly #clock: Clock;
  #timer: Timer | undefined;

  constructor(clientId: string, owner: LaneOwner, clock: Clock) {
    this.clientId = clientId;
    this.#owner = owner;
    this.#clock = clock;
  }

  /** The first of those that wait or are under way. */
  get head(): Tracked | undefined {
    let head = this.#items.peek();
    while (head !== undefined && head.state !== "waiting") {
      this.#items.shift();
      head = this.#items.peek();
    }
    return head;
  }

  push(tracked: Tracked): void {
    this.count++;
    this.#chars += tracked.report.body.length;
    this.#items.push(tracked);
  }

  /** One of them does not wait any longer: its state says so already. */
  left(tracked: Tracked): void {
    this.count--;
    this.#chars -= tracked.report.body.length;
  }

  /** Whether the client may cause one more. */
  hasRoom({ maxQueue, maxQueueChars }: QueueLimits): boolean {
    const { underWay } = this;
    const waiting = underWay === undefined ? this.count : this.count - 1;
    const chars = this.#chars - (underWay?.report.body.length ?? 0);
    return waiting < maxQueue && chars < maxQueueChars;
  }

  replied(reply: BackendReply): void {
    this.#owner.replied(this, reply);
  }

  /** Waits for so long before its first report is tried again. */
  pause(ms: number): void {
    this.state = "paused";
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      this.state = "resting";
      this.#owner.awake(this);
    }, ms);
  }

  /** Ends the pause without a word. */
  stopPause(): void {
    if (this.#timer === undefined) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.state = "resting";
  }
}
