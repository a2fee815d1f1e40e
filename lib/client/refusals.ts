/**
 * CALLs and SENDs of one client that find its queue full.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import { errorCode } from "../codec/error_code.ts";
import type { Call } from "../codec/frame.ts";
import { callErrorText } from "../codec/frame_text.ts";
import { namesOf } from "../identity.ts";
import type { Log } from "../log/log.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Caller } from "./caller.ts";

/** So many may be refused in a row; with the last one the client is closed. */
const MAX_REFUSED = 1000;
/** What was taken is still answered for so long, … */
const GRACE_MS = 1000;
/** … unless the client sends so many more: they are not even answered. */
const MAX_IGNORED = 1000;

export interface RefusalsDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "queueFull" | "callsFailed">;
}

/**
 * Refuses what finds no place, and counts it. Made for the first one and dropped when the next one is
 * taken, so that it counts those in a row.
 *
 * When there have been too many, nothing more is taken or answered (`isOver`), and the client is closed:
 * a second later, or when it goes on, or when what was taken is answered (`end`), unless the connection
 * ends before (`stop`).
 */
export class Refusals {
  readonly #caller: Caller;
  readonly #deps: RefusalsDeps;
  #count = 0;
  /** Runs from the last refusal that is allowed until the end. */
  #timer: Timer | null = null;

  constructor(caller: Caller, deps: RefusalsDeps) {
    this.#caller = caller;
    this.#deps = deps;
  }

  /** Whether the client has been refused too often. */
  get isOver(): boolean {
    return this.#count >= MAX_REFUSED;
  }

  /**
   * Answers a CALL, and drops a SEND.
   *
   * @param waiting How many are before it, for the log.
   */
  add(call: Call, waiting: number): void {
    const { clock, log, metrics } = this.#deps;
    if (this.#count === 0) log.warn("queue full", { ...namesOf(this.#caller), waiting });
    metrics.queueFull[call.kind].add(1);
    if (call.kind === "call") metrics.callsFailed.refused.add(1);
    this.#count++;
    if (this.#count === MAX_REFUSED) this.#timer = clock.setTimeout(() => this.end(), GRACE_MS);
    // It may close the connection.
    if (this.#count <= MAX_REFUSED && call.kind === "call") this.#answer(call);
    if (this.#count === MAX_REFUSED + MAX_IGNORED) this.end();
  }

  #answer(call: Call): void {
    const code = errorCode("internal", this.#caller.dialect);
    this.#caller.answer(callErrorText(call.messageIdText, code, "queue full"), call);
  }

  /** Closes the client, if it has been refused too often. */
  end(): void {
    if (this.#timer === null) return;
    this.stop();
    this.#caller.queueFull();
  }

  /** The connection has ended. */
  stop(): void {
    if (this.#timer !== null) this.#deps.clock.clearTimeout(this.#timer);
    this.#timer = null;
  }
}
