/**
 * The place of one worker, which is taken again when it dies.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import type { Line } from "../cluster/switchboard.ts";
import type { Outbox } from "../outbox/outbox.ts";
import type { Thread } from "./thread.ts";

/** One that lived this long is started again at once when it dies. */
const LONG_LIFE_MS = 60_000;
const FIRST_PAUSE_MS = 1000;
const MAX_PAUSE_MS = 30_000;

/**
 * Owns the thread of one place, and when the next one may take it.
 *
 * Always true: who serves has a thread; at most one timer waits.
 */
export class Slot {
  /** From 1; its row in the metrics. */
  readonly number: number;
  readonly #clock: Clock;
  #thread: Thread | undefined;
  #line: Line | undefined;
  #owner: number | undefined;
  #isUp = false;
  #startedAt = 0;
  /** Deaths in a row that came soon. */
  #earlyDeaths = 0;
  #pause: Timer | undefined;

  constructor(number: number, clock: Clock) {
    this.number = number;
    this.#clock = clock;
  }

  /** The thread in it, which may not serve yet. */
  get thread(): Thread | undefined {
    return this.#thread;
  }

  /** The thread in it, once it serves. */
  get serving(): Thread | undefined {
    return this.#isUp ? this.#thread : undefined;
  }

  /** Whom what the thread in it leaves at the outbox belongs to; undefined before its start. */
  get owner(): number | undefined {
    return this.#owner;
  }

  /** The thread in it gets a place at the outbox. @returns Its way there. */
  attach(outbox: Outbox): MessagePort | undefined {
    const { owner, port } = outbox.attach();
    this.#owner = owner;
    return port;
  }

  /** A new thread takes the place. @param line Its place at the switchboard. */
  take(thread: Thread, line: Line): void {
    this.#thread = thread;
    this.#line = line;
    this.#startedAt = this.#clock.now();
  }

  /** Its start ended. @param isUp Whether it serves. */
  started(isUp: boolean): void {
    this.#isUp = isUp;
  }

  /**
   * Its thread is no more.
   *
   * @returns The line that it had; undefined when none ever served here, so that nobody misses it.
   */
  leave(): Line | undefined {
    const isMissed = this.#isUp || this.#earlyDeaths > 0;
    this.#thread = undefined;
    this.#owner = undefined;
    this.#isUp = false;
    return isMissed ? this.#line : undefined;
  }

  /** Calls `start` when it is time for the next thread: later with each death that came soon. */
  startAgain(start: () => void): void {
    const isLongLived = this.#clock.now() - this.#startedAt >= LONG_LIFE_MS;
    const deaths = isLongLived ? 0 : this.#earlyDeaths;
    this.#earlyDeaths = deaths + 1;
    this.#pause = this.#clock.setTimeout(() => {
      this.#pause = undefined;
      start();
    }, pauseMs(deaths));
  }

  /** No thread takes it any more. */
  startNoMore(): void {
    if (this.#pause !== undefined) this.#clock.clearTimeout(this.#pause);
  }
}

/** How long a worker is not started again that died soon after its start so many times before. */
function pauseMs(deaths: number): number {
  return deaths === 0 ? 0 : Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (deaths - 1));
}
