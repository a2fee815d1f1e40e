/**
 * Whether anything can be written.
 *
 * @module
 */

import type { Clock } from "../../clock.ts";
import type { Told } from "../thread/message.ts";

/** Owns whether the ledger can be written, and tells when that changes. */
export class Condition {
  readonly #clock: Clock;
  readonly #tell: (told: Told) => void;
  #isFailing = false;
  #failingSince: number;

  constructor(clock: Clock, tell: (told: Told) => void) {
    this.#clock = clock;
    this.#tell = tell;
    this.#failingSince = clock.now();
  }

  get isFailing(): boolean {
    return this.#isFailing;
  }

  /** It is certain whose all is, or not. @param isUp Whether NATS can be reached. */
  certain(isCertain: boolean, isUp: boolean): void {
    if (isCertain !== this.#isFailing) return;
    this.#isFailing = !isCertain;
    if (isCertain) this.#writing();
    else this.#failing(isUp ? "JetStream does not answer" : "NATS cannot be reached");
  }

  /** The stream has no room, or has again. */
  full(isFull: boolean): void {
    if (isFull) this.#failing("the stream is full");
    else this.#writing();
  }

  #failing(error: string): void {
    this.#failingSince = this.#clock.now();
    this.#tell({ kind: "failing", error });
  }

  #writing(): void {
    const durationMs = Math.round(this.#clock.now() - this.#failingSince);
    this.#tell({ kind: "writing", durationMs });
  }
}
