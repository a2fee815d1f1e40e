/**
 * An admission valve.
 *
 * @module
 */

import type { Clock } from "../clock.ts";

/**
 * Lets through at most `perSecond` in a second, and that many at once after a quiet one. Of less than
 * one, a whole one is saved up.
 */
export class Rate {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #clock: Clock;
  #tokens: number;
  #filledAt: number;

  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = perSecond;
    this.#clock = clock;
    this.#burst = Math.max(1, perSecond);
    this.#tokens = this.#burst;
    this.#filledAt = clock.now();
  }

  /** @returns Whether one more may pass now. */
  take(): boolean {
    const now = this.#clock.now();
    const gained = (now - this.#filledAt) / 1000 * this.#perSecond;
    this.#tokens = Math.min(this.#burst, this.#tokens + gained);
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}

/** A valve whose rate may change, or be none. A new rate begins as after a quiet second. */
export class ChangingRate {
  readonly #perSecondNow: () => number | undefined;
  readonly #clock: Clock;
  #perSecond: number | undefined;
  #rate: Rate | undefined;

  /** @param perSecondNow The rate that counts now; undefined for no limit. */
  constructor(perSecondNow: () => number | undefined, clock: Clock) {
    this.#perSecondNow = perSecondNow;
    this.#clock = clock;
  }

  /** @returns Whether one more may pass now. */
  take(): boolean {
    const now = this.#perSecondNow();
    if (now !== this.#perSecond) {
      this.#perSecond = now;
      this.#rate = now === undefined ? undefined : new Rate(now, this.#clock);
    }
    return this.#rate?.take() ?? true;
  }
}
