/**
 * CALLRESULTs that a client may still say it cannot use.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";

/** A client has one CALL outstanding; one that sends more at once has its answers in a row. */
const MAX_RESULTS = 8;

interface SentResult {
  readonly messageId: string;
  readonly action: string;
  /** By the clock. */
  readonly until: number;
}

/**
 * Remembers the last CALLRESULTs to one client, for a while: a CALLRESULTERROR has no Action, but the
 * backend is told one. Whoever is idle is remembered nothing of: there is a timer while there is a
 * CALLRESULT, and no more than one of each MessageId.
 */
export class SentResults {
  readonly #clock: Clock;
  readonly #keepMs: number;
  readonly #onEmpty: () => void;
  /** Oldest first. */
  readonly #results: SentResult[] = [];
  /** Runs while anything is remembered. */
  #timer: Timer | null = null;

  /**
   * @param keepMs How long a CALLRESULT is remembered.
   * @param onEmpty Called each time when none is remembered any more.
   */
  constructor(clock: Clock, keepMs: number, onEmpty: () => void) {
    this.#clock = clock;
    this.#keepMs = keepMs;
    this.#onEmpty = onEmpty;
  }

  /** A CALLRESULT goes out. It takes the place of an older one with this MessageId. */
  add(messageId: string, action: string): void {
    const index = this.#results.findIndex((result) => result.messageId === messageId);
    if (index !== -1) this.#results.splice(index, 1);
    else if (this.#results.length === MAX_RESULTS) this.#results.shift();
    const until = this.#clock.now() + this.#keepMs;
    this.#results.push({ messageId: copy(messageId), action: copy(action), until });
    this.#timer ??= this.#clock.setTimeout(() => this.#expire(), this.#keepMs);
  }

  /**
   * The client cannot use a CALLRESULT, and can say so once.
   *
   * @returns The Action of the CALL that it answered; undefined when there is none of this MessageId.
   */
  take(messageId: string): string | undefined {
    const index = this.#results.findIndex((result) => result.messageId === messageId);
    if (index === -1) return undefined;
    const [result] = this.#results.splice(index, 1);
    if (this.#results.length === 0) this.clear();
    return result!.action;
  }

  /** Forgets all. */
  clear(): void {
    if (this.#timer !== null) this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
    this.#results.length = 0;
    this.#onEmpty();
  }

  #expire(): void {
    const now = this.#clock.now();
    while (this.#results[0] !== undefined && this.#results[0].until <= now) this.#results.shift();
    const [oldest] = this.#results;
    if (oldest === undefined) return this.clear();
    this.#timer = this.#clock.setTimeout(() => this.#expire(), oldest.until - now);
  }
}

/** The same text with memory of its own: a part of a frame keeps the whole frame alive. */
function copy(text: string): string {
  return JSON.parse(JSON.stringify(text));
}
