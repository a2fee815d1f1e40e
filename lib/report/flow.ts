/**
 * How many reports may go at once: the one clock for a backend that cannot be reached.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import { retryPauseMs } from "../forwarder/retry.ts";

export interface FlowOptions {
  readonly clock: Clock;
  /** Spreads probes: 0 to 1. */
  readonly random: () => number;
  /** Most of them under way while old ones are caught up on, … */
  readonly max: number;
  /** … and while CALLs wait for slots. */
  readonly share: number;
  /** Whether requests wait for slots. */
  readonly isCrowded: () => boolean;
  /** More may go. */
  readonly go: () => void;
  /** Told when the backend has become unreachable, and when all that waited for it has gone. */
  readonly onAway: () => void;
  readonly onCaughtUp: () => void;
}

/**
 * Says whether one more report may go.
 *
 * - **open**: always.
 * - **away**: the backend could not be reached. One report at a time is tried, after 0.4, 1.2, 3.6 …
 *   30 s.
 * - **catching up**: it can be reached again. One may be under way, and one more for each that was
 *   taken, but never so many that CALLs wait for them; when none is left, it is open again.
 *
 * A request that began before the state that is now, and got no answer, says nothing.
 */
export class Flow {
  readonly #options: FlowOptions;
  #state: "open" | "away" | "catching_up" = "open";
  #epoch = 0;
  #underWay = 0;
  #window = 1;
  /** Whether any reply came since catching up began. */
  #hasReply = false;
  #mayProbe = false;
  /** Tries in a row that did not reach the backend. */
  #failures = 0;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(options: FlowOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Whether one more may begin now. */
  get mayBegin(): boolean {
    if (this.#state === "open") return true;
    if (this.#state === "away") return this.#mayProbe;
    const { max, share, isCrowded } = this.#options;
    return this.#underWay < Math.min(this.#window, isCrowded() ? share : max);
  }

  /** One begins. @returns The epoch that its end must name. */
  began(): number {
    this.#mayProbe = false;
    this.#underWay++;
    return this.#epoch;
  }

  /** One that did not reach the backend has ended. */
  unreachable(epoch: number): void {
    if (epoch !== this.#epoch) return;
    this.#underWay--;
    if (this.#state !== "away") {
      this.#enter("away");
      this.#options.onAway();
    }
    this.#failures++;
    this.#probeIn(retryPauseMs(this.#failures, this.#options.random()));
  }

  /**
   * One ended that did reach it.
   *
   * @param isAnswered Whether the backend has said something, so that it is there now.
   * @param isTaken Whether it took the report.
   */
  reached(epoch: number, isAnswered: boolean, isTaken: boolean): void {
    const isCurrent = epoch === this.#epoch;
    if (isCurrent) this.#underWay--;
    // What hung when the backend went says nothing.
    if (!isCurrent && !isAnswered) return;
    this.#failures = 0;
    if (this.#state === "away") this.#enter("catching_up");
    this.#hasReply = true;
    if (isTaken) this.#window++;
  }

  /** Somebody else has reached the backend. */
  reachable(): void {
    if (this.#state !== "away") return;
    this.#enter("catching_up");
    this.#options.go();
  }

  /** Much waits that came before: it goes by and by. */
  catchUp(): void {
    if (this.#state === "open") this.#enter("catching_up");
  }

  /** A probe is wanted now. */
  probe(): void {
    if (this.#state !== "away" || this.#timer === undefined) return;
    this.#probeIn(0);
  }

  /** Nothing is left that could begin. */
  nothingLeft(): void {
    if (this.#state !== "catching_up" || !this.#hasReply) return;
    this.#state = "open";
    this.#options.onCaughtUp();
  }

  /** No probe begins any more. */
  close(): void {
    this.#isClosed = true;
    this.#stopTimer();
  }

  #enter(state: "away" | "catching_up"): void {
    this.#stopTimer();
    this.#state = state;
    this.#epoch++;
    this.#underWay = 0;
    this.#window = 1;
    this.#hasReply = false;
    this.#mayProbe = false;
  }

  #probeIn(ms: number): void {
    this.#stopTimer();
    if (this.#isClosed) return;
    this.#timer = this.#options.clock.setTimeout(() => {
      this.#timer = undefined;
      this.#mayProbe = true;
      this.#options.go();
    }, ms);
  }

  #stopTimer(): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
