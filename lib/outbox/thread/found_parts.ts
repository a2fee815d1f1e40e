/**
 * Answers that come in parts.
 *
 * @module
 */

import type { Clock } from "../../clock.ts";
import type { Log } from "../../log/log.ts";
import type { AcceptedCall, KeptReport } from "../entry.ts";
import { NOTHING_FOUND } from "../outbox.ts";
import type { Found } from "../store.ts";
import type { FoundPart } from "./message.ts";

/** As long as no part comes. */
const PATIENCE_MS = 30_000;

interface Asked {
  readonly calls: AcceptedCall[];
  readonly reports: KeptReport[];
  readonly resolve: (found: Found) => void;
  stop: () => void;
}

/** Owns the questions that are not answered yet; each one ends, with what has come of its answer. */
export class FoundParts {
  readonly #clock: Clock;
  readonly #log: Pick<Log, "error">;
  readonly #asked = new Map<number, Asked>();
  #last = 0;

  constructor(clock: Clock, log: Pick<Log, "error">) {
    this.#clock = clock;
    this.#log = log;
  }

  /** @param send Asks, under a number. */
  ask(send: (ask: number) => void): Promise<Found> {
    const ask = ++this.#last;
    return new Promise((resolve) => {
      const asked: Asked = { calls: [], reports: [], resolve, stop: () => {} };
      this.#asked.set(ask, asked);
      this.#wait(ask, asked);
      send(ask);
    });
  }

  take({ ask, calls, reports, isLast }: FoundPart): void {
    const asked = this.#asked.get(ask);
    if (asked === undefined) return;
    asked.stop();
    for (const call of calls) asked.calls.push(call);
    for (const report of reports) asked.reports.push(report);
    if (isLast) this.#finish(ask, asked);
    else this.#wait(ask, asked);
  }

  /** Nothing comes any more. */
  giveUp(): void {
    for (const [ask, asked] of this.#asked) this.#finish(ask, asked);
  }

  #wait(ask: number, asked: Asked): void {
    const timer = this.#clock.setTimeout(() => {
      this.#log.error("the outbox does not answer: what it still has waits for the next start", {
        reports: asked.reports.length,
        calls: asked.calls.length,
      });
      this.#finish(ask, asked);
    }, PATIENCE_MS);
    asked.stop = () => this.#clock.clearTimeout(timer);
  }

  #finish(ask: number, { calls, reports, resolve, stop }: Asked): void {
    stop();
    this.#asked.delete(ask);
    resolve(calls.length + reports.length === 0 ? NOTHING_FOUND : { calls, reports });
  }
}
