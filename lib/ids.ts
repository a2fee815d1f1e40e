/**
 * Names for connections, in their order.
 *
 * @module
 */

import { v7 } from "uuid";
import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

/** A count within a millisecond is that long; then the next millisecond is begun early. */
const COUNTS = 2 ** 32;

/** Another clock's time beyond this ahead of the wall clock is not taken over: it is no time. */
const MAX_AHEAD_MS = 24 * 3_600_000;

/**
 * The time that ids are made of: the machine's, and never behind what others were heard to make ids of.
 *
 * Of two connections of one client the one with the greater id counts, wherever they are. So a clock
 * that is ahead must not make all others lose: each instance tells its time, those behind it take its
 * lead over, and from then on all clocks go alike, but for the time that a message takes. A lead is
 * kept until the end of the process, also when the wall clock is set back; ids of all instances then
 * tell a time that is too late, in their order.
 */
export class SharedTime {
  readonly #clock: Pick<Clock, "now" | "wallNow">;
  /** Before `now()`, which no one sets. */
  #lead: number;

  constructor(clock: Pick<Clock, "now" | "wallNow">) {
    this.#clock = clock;
    this.#lead = clock.wallNow() - clock.now();
  }

  /** Whole milliseconds since 1970; never less than before. */
  wallNow(): number {
    const now = this.#clock.now();
    this.#lead = Math.max(this.#lead, this.#clock.wallNow() - now);
    return Math.floor(now + this.#lead);
  }

  /**
   * Somebody made ids of this time, just now at the latest.
   *
   * @returns Whether it was taken over, or is not ahead; false for one that is more than 24 h ahead of
   *   the wall clock.
   */
  hear(time: number): boolean {
    const ahead = time - this.wallNow();
    if (ahead <= 0) return true;
    if (time - this.#clock.wallNow() > MAX_AHEAD_MS) return false;
    this.#lead += ahead;
    return true;
  }
}

/** The time in a UUID of version 7, in milliseconds since 1970; undefined for another text. */
export function timeOfId(id: string): number | undefined {
  return /^[\da-f]{8}-[\da-f]{4}-7/.test(id)
    ? parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
    : undefined;
}

/**
 * Makes UUIDs of version 7 (RFC 9562 §5.7), for of two connections of one client the newer one counts.
 *
 * - Each one is greater than all before it: within a millisecond, and after the wall clock was set back.
 * - The same clock and the same random bytes give the same ones.
 *
 * The package's own `v7()` does the first too, but with the machine's clock and chance.
 */
export class TimeOrderedIds {
  readonly #clock: Pick<Clock, "wallNow">;
  readonly #random: Pick<Random, "bytes">;
  /** The latest time in an id, and the count in it (§6.2, method 1). */
  #msecs = -Infinity;
  #count = 0;

  constructor(clock: Pick<Clock, "wallNow">, random: Pick<Random, "bytes">) {
    this.#clock = clock;
    this.#random = random;
  }

  /** @returns In lower case, so that texts compare as the ids do. */
  next(): string {
    const random = this.#random.bytes(16);
    const now = this.#clock.wallNow();
    if (now > this.#msecs) {
      this.#msecs = now;
      // Not from its upper half, so that there is room to count.
      this.#count = new DataView(random.buffer, random.byteOffset).getUint32(6) % (COUNTS / 2);
    } else if (++this.#count === COUNTS) {
      this.#msecs++;
      this.#count = 0;
    }
    return v7({ msecs: this.#msecs, seq: this.#count, random });
  }
}

/** Whether a value is a UUID as `TimeOrderedIds` writes them: in lower case. */
export function isUuid(value: unknown): value is string {
  return typeof value === "string" &&
    /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/.test(value);
}
