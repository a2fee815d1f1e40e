/**
 * Chance that comes again with the same seed.
 *
 * @module
 */

import type { Random } from "../../lib/random.ts";

/** A seeded generator (mulberry32), as the gateway and as the world around it use it. */
export class Chance implements Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.below(256);
    return bytes;
  }

  /** A whole number from 0 up to but not including `limit`. */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit);
  }

  /** A number from `least` up to but not including `most`. */
  between(least: number, most: number): number {
    return least + this.fraction() * (most - least);
  }

  /** True this often, 0 to 1. */
  happens(share: number): boolean {
    return this.fraction() < share;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  /** One of its own, so that what one part draws does not move what another one gets. */
  fork(): Chance {
    return new Chance(this.below(2 ** 32));
  }
}
