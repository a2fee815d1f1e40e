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
