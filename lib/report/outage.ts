/**
 * What the log says of reports that wait for the backend.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Log } from "../log/log.ts";

const LINE_MS = 60_000;

/** One line when they begin to wait, one each minute, and one when all have gone. */
export class Outage {
  readonly #clock: Clock;
  readonly #log: Log;
  #since: number | undefined;
  #saidAt = 0;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** The backend cannot be reached. */
  begin(waiting: number): void {
    // It went again before all had gone.
    if (this.#since !== undefined) return;
    this.#since = this.#saidAt = this.#clock.now();
    this.#log.warn("backend unreachable, reports wait", { waiting });
  }

  /**
   * To be called each second or so.
   *
   * @param waiting Of all threads.
   * @param oldestMs How old the oldest one of these is.
   */
  look(waiting: number, oldestMs: number): void {
    if (this.#since === undefined || this.#clock.now() - this.#saidAt < LINE_MS) return;
    this.#saidAt = this.#clock.now();
    this.#log.warn("reports wait for the backend", {
      waiting,
      oldestSeconds: Math.round(oldestMs / 1000),
    });
  }

  /** All that could go has gone. @param waiting Those that the backend answers badly. */
  end(waiting: number): void {
    if (this.#since === undefined) return;
    const durationMs = Math.round(this.#clock.now() - this.#since);
    this.#since = undefined;
    this.#log.info("backend reached again, reports delivered", { waiting, durationMs });
  }
}
