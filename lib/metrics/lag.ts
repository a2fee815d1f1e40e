/**
 * How late this thread is.
 *
 * @module
 */

import { type Clock, every } from "../clock.ts";
import type { Cell } from "./tally.ts";

const LOOK_MS = 1000;

/** Measures, once a second, how much later than asked for a timer comes: the event loop's lag. */
export class LagWatch {
  readonly #clock: Clock;
  readonly #seconds: Cell;
  #stop = (): void => {};

  /** @param seconds Where the lag is kept. */
  constructor(clock: Clock, seconds: Cell) {
    this.#clock = clock;
    this.#seconds = seconds;
  }

  /** Begins to look; `stop` must follow. */
  start(): void {
    let due = this.#clock.now() + LOOK_MS;
    this.#stop = every(this.#clock, LOOK_MS, () => {
      this.#seconds.own = Math.max(0, this.#clock.now() - due) / 1000;
      due = this.#clock.now() + LOOK_MS;
    });
  }

  stop(): void {
    this.#stop();
  }
}
