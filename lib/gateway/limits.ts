/**
 * The limits that count now.
 *
 * @module
 */

import type { Limits } from "../config/live.ts";
import type { RateLimit } from "../config/value.ts";

/** Owns them: others look whenever they need one, and keep none. */
export class LimitsNow {
  #limits: Limits;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get maxConnections(): number {
    return this.#limits.maxConnections;
  }

  get maxMemoryBytes(): number {
    return this.#limits.maxMemoryBytes;
  }

  /** For all threads together; undefined for no limit. */
  get connectRate(): number | undefined {
    return this.#limits.connectRate;
  }

  /** Undefined for no limit. */
  get clientRate(): RateLimit | undefined {
    return this.#limits.clientRate;
  }

  /** Others count from now on. */
  change(limits: Limits): void {
    this.#limits = limits;
  }
}
