/**
 * How many reports there may be, over all threads.
 *
 * @module
 */

import type { Gauge } from "../queue/backlog.ts";
import type { Tracked } from "./tracked.ts";

/** What the bodies of reports that wait may come to before no more CALLs are accepted. */
export const MAX_WAITING_BYTES = 256 * 1024 ** 2;
/** What the bodies of parked ones may come to. */
export const MAX_PARKED_BYTES = 64 * 1024 ** 2;

/** Where it is counted; threads count together. */
export interface PlaceGauges {
  /** Accepted CALLs without an outcome that was delivered or parked. */
  readonly outboxPlaces: Gauge;
  readonly resultErrorsWaiting: Gauge;
  readonly disconnectsWaiting: Gauge;
  /** Reports, and the length of their bodies. */
  readonly outbox: { readonly waiting: Gauge; readonly parked: Gauge };
  readonly outboxBytes: { readonly waiting: Gauge; readonly parked: Gauge };
}

/**
 * Counts reports, and says whether more of them may come to be. Nothing that came to be is ever refused:
 * an accepted CALL has its place before.
 *
 * - **Outcomes**: a place is taken when a CALL is accepted and given back when its outcome is delivered
 *   or parked. One that nobody had a place for, such as one of an earlier process, takes one too.
 * - **CALLRESULTERRORs** have as many places of their own, so that clients cannot keep CALLs out.
 * - **Disconnects** have no bound here, for none may be lost: the door lets in only as many clients as
 *   there is room for.
 *
 * All numbers are 0 when there is no report and no accepted CALL.
 */
export class Places {
  readonly #max: number;
  readonly #gauges: PlaceGauges;
  readonly #threads: number;

  /**
   * @param max `--max-reports`.
   * @param threads That count together.
   */
  constructor(max: number, gauges: PlaceGauges, threads = 1) {
    this.#max = max;
    this.#gauges = gauges;
    this.#threads = threads;
  }

  /** Takes a place for a CALL. @returns False when there is none. */
  reserve(): boolean {
    const { outboxPlaces } = this.#gauges;
    if (outboxPlaces.sum >= this.#max || !this.hasRoomForBytes) return false;
    outboxPlaces.add(1);
    return true;
  }

  /** Its CALL was not taken, or will have no outcome from here. */
  giveBack(): void {
    this.#gauges.outboxPlaces.add(-1);
  }

  /** Whether bodies may still be added to those that wait. */
  get hasRoomForBytes(): boolean {
    return this.#gauges.outboxBytes.waiting.sum < MAX_WAITING_BYTES;
  }

  get hasRoomForResultError(): boolean {
    return this.#gauges.resultErrorsWaiting.sum < this.#max && this.hasRoomForBytes;
  }

  /** Ends of connections of all threads that the backend has not taken. */
  get disconnects(): number {
    return this.#gauges.disconnectsWaiting.sum;
  }

  /** Reports of all threads that wait. */
  get waiting(): number {
    return this.#gauges.outbox.waiting.sum;
  }

  /** Whether a parked report may wait again. */
  hasRoomFor({ report: { kind } }: Tracked): boolean {
    if (kind === "disconnect") return true;
    if (kind === "resulterror") return this.hasRoomForResultError;
    return this.#gauges.outboxPlaces.sum < this.#max && this.hasRoomForBytes;
  }

  /** Whether more is parked than may be, and this thread has more than its share of that. */
  get isParkedFull(): boolean {
    return this.#isOver(this.#gauges.outbox.parked, this.#max) ||
      this.#isOver(this.#gauges.outboxBytes.parked, MAX_PARKED_BYTES);
  }

  #isOver({ sum, own }: Gauge, max: number): boolean {
    return sum > max && own > max / this.#threads;
  }

  /** A report begins to wait. @param hasPlace Whether its CALL has a place, which it takes over. */
  enter(tracked: Tracked, hasPlace: boolean): void {
    this.#gauges.outbox.waiting.add(1);
    this.#gauges.outboxBytes.waiting.add(tracked.bytes);
    if (!hasPlace) this.#share(tracked).add(1);
  }

  /** It waits no longer. */
  leave(tracked: Tracked): void {
    this.#gauges.outbox.waiting.add(-1);
    this.#gauges.outboxBytes.waiting.add(-tracked.bytes);
    this.#share(tracked).add(-1);
  }

  /** One more is parked. */
  park(tracked: Tracked): void {
    this.#gauges.outbox.parked.add(1);
    this.#gauges.outboxBytes.parked.add(tracked.bytes);
  }

  /** It is parked no longer. */
  unpark(tracked: Tracked): void {
    this.#gauges.outbox.parked.add(-1);
    this.#gauges.outboxBytes.parked.add(-tracked.bytes);
  }

  #share({ report }: Tracked): Gauge {
    switch (report.kind) {
      case "result":
      case "error":
        return this.#gauges.outboxPlaces;
      case "resulterror":
        return this.#gauges.resultErrorsWaiting;
      case "disconnect":
        return this.#gauges.disconnectsWaiting;
    }
  }
}
