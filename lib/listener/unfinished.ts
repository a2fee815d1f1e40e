/**
 * Connections of which nothing whole has come yet.
 *
 * @module
 */

import { type Clock, every } from "../clock.ts";

/** The part of a connection that is needed to end it. */
export interface Cuttable {
  destroy(): void;
}

/** How many there may be: each may hold some 20 KiB of a head that never ends. */
const MAX = 2000;
/** None is cut for a newer one before it could speak: the event loop may have been busy. */
const MIN_MS = 500;
const LOOK_MS = 500;

/**
 * Ends each of them after the same time, without a timer of its own.
 *
 * Always true: at most `MAX` wait, but for those of the last half a second; beyond, the oldest is cut.
 */
export class Unfinished {
  readonly #clock: Clock;
  readonly #limitMs: number;
  /** Since when, in their order. */
  readonly #since = new Map<Cuttable, number>();
  readonly #stop: () => void;

  /**
   * Begins to look; `stop` must follow.
   *
   * @param limitMs How long each may take.
   */
  constructor(clock: Clock, limitMs: number) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#stop = every(clock, LOOK_MS, () => this.#look());
  }

  get size(): number {
    return this.#since.size;
  }

  /** Its time begins. */
  enter(connection: Cuttable): void {
    // Behind all others, also when it was here already.
    this.#since.delete(connection);
    this.#since.set(connection, this.#clock.now());
    if (this.#since.size > MAX) this.#cutOldest(MIN_MS);
  }

  /** What was waited for has come, or it has ended. */
  leave(connection: Cuttable): void {
    this.#since.delete(connection);
  }

  stop(): void {
    this.#stop();
    this.#since.clear();
  }

  #look(): void {
    while (this.#since.size > MAX && this.#cutOldest(MIN_MS));
    while (this.#cutOldest(this.#limitMs));
  }

  /** @returns Whether there was one that old. */
  #cutOldest(ageMs: number): boolean {
    const [oldest] = this.#since;
    if (oldest === undefined || this.#clock.now() - oldest[1] < ageMs) return false;
    this.#since.delete(oldest[0]);
    oldest[0].destroy();
    return true;
  }
}
