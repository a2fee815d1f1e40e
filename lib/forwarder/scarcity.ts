/**
 * Whether requests wait long for a connection to the backend, told in few words.
 *
 * @module
 */

/** What there is to see of the slots. */
export interface SlotsState {
  /** Requests under way. */
  readonly taken: number;
  /** Requests that wait for a slot. */
  readonly waiting: number;
  /** CALLs and SENDs under way for longer than a second. */
  readonly hanging: number;
  /** Clients that wait behind others. */
  readonly slowClients: number;
}

/** Who is told. Each end follows its beginning. */
export interface SlotsEvents {
  /** A request has waited for a second; again every minute while one does. */
  scarce(state: SlotsState): void;
  /** None has for ten seconds. @param afterMs From the first one to the last one. */
  free(afterMs: number): void;
}

/** Waiting for less is no news: a burst is worked off by then. */
const LATE_MS = 1000;
const REMIND_MS = 60_000;
const FREE_MS = 10_000;

/** Owns when that was so, and when it was told. */
export class Scarcity {
  readonly #events: SlotsEvents;
  /** When a request had first waited for long; -1 while none does. */
  #since = -1;
  #lateAt = 0;
  #toldAt = 0;

  constructor(events: SlotsEvents) {
    this.#events = events;
  }

  /** Whether its end has still to be told. */
  get isTold(): boolean {
    return this.#since >= 0;
  }

  /**
   * A look at the slots.
   *
   * @param longestWaitMs Of those that wait.
   */
  see(now: number, longestWaitMs: number, state: SlotsState): void {
    if (longestWaitMs >= LATE_MS) this.#late(now, state);
    else if (this.isTold && (now - this.#lateAt >= FREE_MS || state.taken === 0)) {
      this.#events.free(this.#lateAt - this.#since);
      this.#since = -1;
    }
  }

  #late(now: number, state: SlotsState): void {
    this.#lateAt = now;
    if (this.isTold && now - this.#toldAt < REMIND_MS) return;
    if (!this.isTold) this.#since = now;
    this.#toldAt = now;
    this.#events.scarce(state);
  }
}
