/**
 * Whom the backend let in, as far as it may be remembered.
 *
 * @module
 */

import { createHmac } from "node:crypto";
import type { Clock } from "../clock.ts";
import type { Random } from "../random.ts";

/** What a client shows to prove who it is: null for what it does not. */
export type Proofs = readonly (string | null)[];

/** A client's remembered verdict. */
interface Remembered {
  /** Of its proofs. */
  readonly hash: string;
  /** By the monotonic clock. */
  readonly until: number;
}

/** Says whether an answer to a question that was asked earlier may still be remembered. */
export type Epoch = number;

/** Clients remembered by one worker; then the one that was remembered longest ago is forgotten. */
export const MAX_REMEMBERED = 100_000;

/**
 * Owns the verdicts of the connect hook that are remembered: that a client is let in with what it
 * showed. Nothing else is remembered, no refusal above all.
 *
 * - One for each ClientId, the last. It holds for the very same proofs, and for its time.
 * - What a client showed is not kept: only a hash of it, under a key that this process made up.
 * - An answer to a question that was asked before something was forgotten is not remembered: it may be
 *   older than what it was forgotten for.
 */
export class Verdicts {
  readonly #clock: Pick<Clock, "now">;
  readonly #max: number;
  readonly #key: Uint8Array;
  /** In the order in which they were remembered. */
  readonly #byClientId = new Map<string, Remembered>();
  #epoch: Epoch = 0;

  /** @param max How many are kept. */
  constructor(clock: Pick<Clock, "now">, random: Pick<Random, "bytes">, max = MAX_REMEMBERED) {
    this.#clock = clock;
    this.#max = max;
    this.#key = random.bytes(32);
  }

  /** How many are kept, those whose time is over included. */
  get size(): number {
    return this.#byClientId.size;
  }

  /** To be taken when the backend is asked. */
  get epoch(): Epoch {
    return this.#epoch;
  }

  /** Whether a client need not be asked about. */
  has(clientId: string, proofs: Proofs): boolean {
    const remembered = this.#byClientId.get(clientId);
    if (remembered === undefined) return false;
    if (remembered.until <= this.#clock.now()) {
      this.#byClientId.delete(clientId);
      return false;
    }
    return remembered.hash === this.#hash(clientId, proofs);
  }

  /**
   * The backend let a client in.
   *
   * @param seconds For how long that may be remembered; 0 for not at all.
   * @param askedIn The epoch when it was asked.
   */
  add(clientId: string, proofs: Proofs, seconds: number, askedIn: Epoch): void {
    // What the backend says now counts, also when it takes back an earlier word.
    this.#byClientId.delete(clientId);
    if (seconds <= 0 || askedIn !== this.#epoch) return;
    const until = this.#clock.now() + seconds * 1000;
    this.#byClientId.set(clientId, { hash: this.#hash(clientId, proofs), until });
    if (this.#byClientId.size <= this.#max) return;
    for (const oldest of this.#byClientId.keys()) {
      this.#byClientId.delete(oldest);
      return;
    }
  }

  /** The backend refused this client, whatever it showed: it is asked each time from now on. */
  refused(clientId: string): void {
    this.#byClientId.delete(clientId);
  }

  /** Forgets a client, or all of them, and what the backend is being asked just now. */
  forget(clientId: string | null): void {
    this.#epoch++;
    if (clientId === null) this.#byClientId.clear();
    else this.#byClientId.delete(clientId);
  }

  /** Each proof in its place, so that none can stand for another. */
  #hash(clientId: string, proofs: Proofs): string {
    return createHmac("sha256", this.#key).update(JSON.stringify([clientId, ...proofs]))
      .digest("base64");
  }
}
