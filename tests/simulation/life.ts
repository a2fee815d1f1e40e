/**
 * The life of one simulated process: its time, and when it stands still or is over.
 *
 * @module
 */

import type { Clock, Timer } from "../../lib/clock.ts";
import type { Due, Timeline } from "./timeline.ts";

/** What the wall clocks show when the world begins, before their errors. */
export const WALL_START_MS = Date.UTC(2026, 0, 1);

/**
 * Owns whether a process lives. All that reaches it goes through `deliver`, and all that it does to the
 * world through `acts`, so that nothing comes of it after a crash: what still runs then in this program
 * runs for nobody.
 *
 * Faults: a process is cut off between any two of its acts, also in the middle of what it does in one
 * turn; it stands still for seconds and goes on.
 */
export class Life {
  readonly name: string;
  readonly #timeline: Timeline;
  readonly #onStray: (act: string) => void;
  #isAlive = true;
  /** When it died: what was going on in that moment is not known to be over. */
  #diedAt = Infinity;
  #frozenUntil = 0;
  #actsLeft = Infinity;
  #onDeath: () => void = () => {};

  /** @param onStray Told of an act of one that was dead before: there must be none. */
  constructor(name: string, timeline: Timeline, onStray: (act: string) => void) {
    this.name = name;
    this.#timeline = timeline;
    this.#onStray = onStray;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** It dies of nothing any more. */
  spare(): void {
    this.#actsLeft = Infinity;
  }

  get isFrozen(): boolean {
    return this.#frozenUntil > this.#timeline.now;
  }

  /** Something reaches the process: now, when it goes on, or never. */
  deliver(run: () => void): void {
    if (!this.#isAlive) return;
    if (!this.isFrozen) return run();
    this.#timeline.at(this.#frozenUntil, () => this.deliver(run));
  }

  /** The process does something to the world. @returns Whether it does: a dead one does not. */
  acts(act: string): boolean {
    if (this.#isAlive && this.#actsLeft-- <= 0) this.#onDeath();
    if (this.#isAlive) return true;
    if (this.#timeline.now > this.#diedAt) this.#onStray(act);
    return false;
  }

  /** It stands still, as a process does whose machine swaps or is moved. */
  freeze(ms: number): void {
    if (!this.isFrozen) this.#frozenUntil = this.#timeline.now + ms;
  }

  /** It will die in the middle of something, after so many more acts. */
  dieAfter(acts: number, onDeath: () => void): void {
    this.#actsLeft = acts;
    this.#onDeath = onDeath;
  }

  end(): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    this.#diedAt = this.#timeline.now;
  }
}

/** A process's clock. Its wall clock is wrong by some time and may be set. */
export class LifeClock implements Clock {
  readonly #life: Life;
  readonly #timeline: Timeline;
  readonly #startedAt: number;
  #skewMs: number;
  #timers = 0;

  constructor(life: Life, timeline: Timeline, skewMs: number) {
    this.#life = life;
    this.#timeline = timeline;
    this.#startedAt = timeline.now;
    this.#skewMs = skewMs;
  }

  /** Timers that were set and have neither run nor been cleared. */
  get timers(): number {
    return this.#timers;
  }

  now(): number {
    return 1000 + this.#timeline.now - this.#startedAt;
  }

  wallNow(): number {
    return Math.floor(WALL_START_MS + this.#timeline.now + this.#skewMs);
  }

  /** Somebody sets the wall clock. */
  jump(ms: number): void {
    this.#skewMs += ms;
  }

  /** As the runtime's: whole milliseconds, at least one, so that it may come a little too early. */
  setTimeout(callback: () => void, ms: number): Timer {
    this.#timers++;
    const due = this.#timeline.after(Math.max(1, Math.trunc(ms)), () =>
      this.#life.deliver(() => {
        if (due.run === null) return;
        due.run = null;
        this.#timers--;
        callback();
      }));
    return due as unknown as Timer;
  }

  clearTimeout(timer: Timer): void {
    const due = timer as unknown as Due;
    if (due.run === null) return;
    due.run = null;
    this.#timers--;
  }

  /** The next turn comes at the same time, behind all that is there already. */
  setImmediate(callback: () => void): void {
    this.#timeline.after(0, () => this.#life.deliver(callback));
  }
}
