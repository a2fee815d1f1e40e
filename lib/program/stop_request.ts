/**
 * Signals that ask the program to stop: which of them are one request, and which is a second one.
 *
 * @module
 */

import type { Clock } from "../clock.ts";

/**
 * Signals that come closer than this after the first are the same request. A terminal signals the
 * whole process group, and a task runner in it passes its own signal on, so one Ctrl+C comes twice;
 * nobody loses patience within a second.
 */
export const SAME_REQUEST_MS = 1000;

/** Tells the first request to stop from its copies and from the second one. */
export class StopRequests {
  readonly #clock: Clock;
  #firstAt: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * A signal came.
   *
   * @returns `first` once: shut down. `same`: nothing to do. `second`: whoever sent it does not want to
   *   wait for the shutdown.
   */
  note(): "first" | "same" | "second" {
    const now = this.#clock.now();
    if (this.#firstAt === undefined) {
      this.#firstAt = now;
      return "first";
    }
    return now - this.#firstAt < SAME_REQUEST_MS ? "same" : "second";
  }
}
