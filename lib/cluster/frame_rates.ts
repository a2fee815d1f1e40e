/**
 * How many messages a second pass with each client, measured while somebody asks.
 *
 * @module
 */

import { type Clock, pause, type Timer } from "../clock.ts";

/** The part of a connection that is measured. */
export interface Counted {
  readonly clientId: string;
  readonly framesIn: number;
  readonly framesOut: number;
  /** Milliseconds since 1970. */
  readonly connectedAt: number;
}

interface Sample {
  readonly at: number;
  readonly wallAt: number;
  /** By ClientId: a closed connection is not kept for it. */
  readonly counts: Map<string, number>;
}

/** The shortest time to measure over: the first who asks waits for so long. */
const FIRST_MS = 500;
const SHORTEST_MS = 1000;
/** A new measurement begins so long after the last one. */
const SAMPLE_MS = 2000;
/** They are forgotten when nobody has asked for so long. */
const UNASKED_MS = 15_000;

/**
 * Owns two counts of all clients' messages, at most, from the time when somebody asked for them, and for 15 s
 * after the last one who did.
 */
export class FrameRates {
  readonly #clock: Clock;
  /** The newest at the end. */
  #samples: Sample[] = [];
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Measures all clients once, over 1 s or more, or half a second when nobody has asked lately.
   *
   * @param walk Calls what it is given for each connection; may take its time.
   * @returns What may be asked for rates of connections in a walk that follows at once.
   */
  async measure(
    walk: (visit: (connection: Counted) => void) => Promise<void>,
  ): Promise<(connection: Counted) => number> {
    this.#expire();
    if (this.#samples.length === 0) {
      await walk(this.#sample());
      await pause(this.#clock, FIRST_MS);
      this.#expire();
    }
    const now = this.#clock.now();
    const newest = this.#samples.at(-1);
    const base = this.#samples.findLast(({ at }) => now - at >= SHORTEST_MS) ?? this.#samples[0];
    // They were forgotten meanwhile: the gateway shuts down.
    if (newest === undefined || base === undefined) return () => 0;
    const visit = now - newest.at >= SAMPLE_MS ? this.#sample() : undefined;
    return (connection) => {
      visit?.(connection);
      return rateOf(connection, base, this.#clock.now() - base.at);
    };
  }

  /** Forgets all, for good. */
  close(): void {
    this.#isClosed = true;
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#forget();
  }

  #forget(): void {
    this.#timer = undefined;
    this.#samples = [];
  }

  #sample(): (connection: Counted) => void {
    const counts = new Map<string, number>();
    const [at, wallAt] = [this.#clock.now(), this.#clock.wallNow()];
    this.#samples = [...this.#samples.slice(-1), { at, wallAt, counts }];
    return ({ clientId, framesIn, framesOut }) => counts.set(clientId, framesIn + framesOut);
  }

  #expire(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    if (this.#isClosed) return this.#forget();
    this.#timer = this.#clock.setTimeout(() => this.#forget(), UNASKED_MS);
  }
}

/** Of one that was not there yet all messages count. */
function rateOf(
  { clientId, framesIn, framesOut, connectedAt }: Counted,
  { wallAt, counts }: Sample,
  ms: number,
): number {
  const passed = framesIn + framesOut;
  const before = counts.get(clientId);
  // A newer connection counts from its own beginning.
  const since = before === undefined || connectedAt > wallAt || before > passed ? 0 : before;
  return Math.round((10_000 * (passed - since)) / Math.max(1, ms)) / 10;
}
