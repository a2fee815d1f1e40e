/**
 * Turns of the event loop, for clients that send much at once.
 *
 * @module
 */

import type { Clock } from "../../clock.ts";

/** Who has more to look at than is looked at in one go. */
export interface Busy {
  /** Looks at a little more; it enters again when that was not all. */
  goOn(): void;
}

/** So long all of them may go on in one turn. */
const MAX_MS = 2;
/**
 * Between two turns in a row the loop is left alone for so long: where it is never idle, the runtime (Deno
 * 2.9.6) asks for what has come on other connections only in every 61st turn.
 */
const IDLE_MS = 1;

/**
 * Owns who goes on, each a little, one after the other: 64 KiB of pings are 10,000, and where bytes wait
 * the runtime reads up to 2 MiB of a connection before anybody else has a turn.
 */
export class Turns {
  readonly #clock: Clock;
  readonly #waiting = new Set<Busy>();
  #isDue = false;
  #lastAt = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** It goes on in the next turn, or in one behind that. */
  enter(busy: Busy): void {
    this.#waiting.add(busy);
    if (this.#isDue) return;
    this.#isDue = true;
    if (this.#clock.now() - this.#lastAt > MAX_MS) {
      this.#clock.setImmediate(() => this.#turn());
    } else this.#whenIdle();
  }

  #whenIdle(): void {
    this.#clock.setTimeout(() => this.#turn(), IDLE_MS);
  }

  #turn(): void {
    const until = this.#clock.now() + MAX_MS;
    try {
      for (const busy of this.#waiting) {
        this.#waiting.delete(busy);
        busy.goOn();
        if (this.#clock.now() >= until) break;
      }
    } finally {
      this.#lastAt = this.#clock.now();
      this.#isDue = this.#waiting.size > 0;
      if (this.#isDue) this.#whenIdle();
    }
  }
}
