/**
 * Time that stands still until a test moves it.
 *
 * @module
 */

import { createClock } from "@sinonjs/fake-timers";
import type { Clock, Timer } from "../../lib/clock.ts";

/** A `Clock` whose time only a test moves. */
export class FakeClock implements Clock {
  readonly #clock = createClock();
  readonly #began: number;

  /** @param began What time it is now, in milliseconds since 1970. */
  constructor(began = Date.UTC(2026, 0, 1)) {
    this.#began = began;
  }

  /** Timers that have been set and have neither run nor been cleared. */
  get timers(): number {
    return this.#clock.countTimers();
  }

  now(): number {
    return this.#clock.now;
  }

  /** It was 2026-01-01 when this clock was made, or what was said. */
  wallNow(): number {
    return this.#began + this.#clock.now;
  }

  setTimeout(callback: () => void, ms: number): Timer {
    return this.#clock.setTimeout(callback, ms) as unknown as Timer;
  }

  clearTimeout(timer: Timer): void {
    this.#clock.clearTimeout(timer as unknown as number);
  }

  /** The next turn of the event loop is a millisecond later. */
  setImmediate(callback: () => void): void {
    this.#clock.setTimeout(callback, 1);
  }

  /** Moves time on and runs the timers that come due, in their order. */
  tick(ms: number): void {
    this.#clock.tick(ms);
  }

  /** Runs timer after timer until none is left; what they wake may set more. */
  async runAll(): Promise<void> {
    await microtasks();
    while (this.timers > 0) {
      this.#clock.next();
      await microtasks();
    }
  }
}

/** Lets everything run that waits for promises which are settled, and for nothing else. */
export async function microtasks(): Promise<void> {
  // Far more than the longest chain of awaits that is tested with this.
  for (let i = 0; i < 30; i++) await undefined;
}
