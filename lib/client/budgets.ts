/**
 * What one client may use up without leading anywhere.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";

/** Frames that lead nowhere: an answer to nothing, an empty text, what is no frame. */
const MAX_IDLE_FRAMES = 1000;
const FRAMES_WINDOW_MS = 10_000;

const MAX_PARSE_MS = 200;
const PARSE_WINDOW_MS = 1000;

/** Messages may be under way when a client is closed, but not this many. */
const MAX_AFTER_CLOSE = 1000;

/**
 * Owns what one client has used up lately. A connection makes one when there is something to count, and
 * `onOver` says when it may be dropped: 10 s later, or with the connection.
 *
 * Each window begins with the first thing that is counted in it, so that a client which is within its
 * bounds has no timer but while it has this.
 */
export class Budgets {
  readonly #clock: Clock;
  readonly #onOver: () => void;
  #timer: Timer | null = null;
  #frames = 0;
  #parseMs = 0;
  #parsingSince = 0;
  #isClosed = false;
  #isSpent = false;
  #afterClose = 0;

  constructor(clock: Clock, onOver: () => void) {
    this.#clock = clock;
    this.#onOver = onOver;
  }

  /** A frame came that leads nowhere. @returns False when that is one too many. */
  takeFrame(): boolean {
    this.#live();
    if (++this.#frames > MAX_IDLE_FRAMES) this.#isSpent = true;
    return !this.#isSpent;
  }

  /** So long was parsed. @returns False when that is too much. */
  takeParsing(ms: number): boolean {
    this.#live();
    const now = this.#clock.now();
    if (now - this.#parsingSince >= PARSE_WINDOW_MS) {
      this.#parsingSince = now;
      this.#parseMs = 0;
    }
    this.#parseMs += ms;
    if (this.#parseMs > MAX_PARSE_MS) this.#isSpent = true;
    return !this.#isSpent;
  }

  /** A message came after the close. @returns False when the client must be cut. */
  takeAfterClose(): boolean {
    return !this.#isSpent && ++this.#afterClose < MAX_AFTER_CLOSE;
  }

  /** The connection is closed: nothing but what comes after it is counted any more. */
  close(): void {
    this.#isClosed = true;
    if (this.#timer !== null) this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
  }

  #live(): void {
    if (this.#isClosed) return;
    this.#timer ??= this.#clock.setTimeout(() => {
      this.#timer = null;
      this.#onOver();
    }, FRAMES_WINDOW_MS);
  }
}
