/**
 * How many CALLs and SENDs of one client go on in a second.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import type { RateLimit } from "../config/value.ts";
import { type Identity, namesOf } from "../identity.ts";
import type { Log } from "../log/log.ts";
import type { Cell } from "../metrics/tally.ts";

export interface ClientRateDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Counts CALLs and SENDs that had to wait. */
  readonly limited: Cell;
}

/** A client's bucket of tokens that is not full. */
interface Bucket {
  /** When it is full again if nothing more is taken. */
  fullAt: number;
  /** Whether the log has been told that the client has to wait. */
  isTold: boolean;
}

/** Full buckets are looked for so often. */
const SWEEP_MS = 1000;
/** Timers are no finer; what is taken early now is waited for next time. */
const LEAST_WAIT_MS = 0.5;

/**
 * Owns the token buckets of all clients, by ClientId: one that connects anew finds its bucket as it left
 * it. A bucket that is full is none, and while there is none there is no timer.
 */
export class ClientRate {
  readonly #intervalMs: number;
  readonly #burst: number;
  readonly #deps: ClientRateDeps;
  readonly #buckets = new Map<string, Bucket>();
  /** Those who wait, by their timers. */
  readonly #waiting = new Map<Timer, () => void>();
  #sweep: Timer | null = null;
  #isStopped = false;

  constructor({ perSecond, burst }: RateLimit, deps: ClientRateDeps) {
    this.#intervalMs = 1000 / perSecond;
    this.#burst = burst;
    this.#deps = deps;
  }

  /** Buckets that are not full. */
  get buckets(): number {
    return this.#buckets.size;
  }

  /**
   * Takes a token.
   *
   * @returns What to wait for; undefined when there was one.
   */
  take(client: Identity): Promise<void> | undefined {
    if (this.#isStopped) return undefined;
    const { clock, log, limited } = this.#deps;
    const now = clock.now();
    let bucket = this.#buckets.get(client.clientId);
    if (bucket === undefined) {
      bucket = { fullAt: now, isTold: false };
      this.#buckets.set(client.clientId, bucket);
      this.#sweep ??= clock.setTimeout(() => this.#dropFull(), SWEEP_MS);
    }
    bucket.fullAt = Math.max(bucket.fullAt, now) + this.#intervalMs;
    const waitMs = bucket.fullAt - now - this.#burst * this.#intervalMs;
    if (waitMs < LEAST_WAIT_MS) return undefined;
    limited.add(1);
    if (!bucket.isTold) log.warn("client slowed down by --client-rate", namesOf(client));
    bucket.isTold = true;
    return this.#wait(waitMs);
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#deps.clock.setTimeout(() => {
        this.#waiting.delete(timer);
        resolve();
      }, ms);
      this.#waiting.set(timer, resolve);
    });
  }

  /** Holds nobody any more, from now on: at a shutdown what was taken has to get through. */
  stop(): void {
    const { clock } = this.#deps;
    this.#isStopped = true;
    if (this.#sweep !== null) clock.clearTimeout(this.#sweep);
    this.#sweep = null;
    this.#buckets.clear();
    for (const [timer, resolve] of this.#waiting) {
      clock.clearTimeout(timer);
      resolve();
    }
    this.#waiting.clear();
  }

  #dropFull(): void {
    const { clock } = this.#deps;
    const now = clock.now();
    for (const [clientId, { fullAt }] of this.#buckets) {
      if (fullAt <= now) this.#buckets.delete(clientId);
    }
    this.#sweep = this.#buckets.size === 0
      ? null
      : clock.setTimeout(() => this.#dropFull(), SWEEP_MS);
  }
}
