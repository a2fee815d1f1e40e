/**
 * What the log is told of the ledger.
 *
 * @module
 */

import type { Clock } from "../../clock.ts";
import type { LogFields } from "../../log/log.ts";
import type { Told } from "../thread/message.ts";
import type { Change } from "../unwritten.ts";

/** What is worth a line in the log of what was taken over. */
export type EstateNews =
  | {
    readonly kind: "taken_over";
    readonly owner: string;
    readonly calls: number;
    readonly reports: number;
  }
  | { readonly kind: "unreadable"; readonly subject: string };

/** Owns whether anything can be written, as it was said last. */
export class News {
  readonly #clock: Clock;
  readonly #tell: (told: Told) => void;
  #isFailing = false;
  #failingSince: number;

  /** @param tell The main thread. */
  constructor(clock: Clock, tell: (told: Told) => void) {
    this.#clock = clock;
    this.#tell = tell;
    this.#failingSince = clock.now();
  }

  /** Nothing can be kept, for this reason; said once until it can be again. */
  failing(error: string): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#failingSince = this.#clock.now();
    this.#tell({ kind: "failing", error });
  }

  /** All can be kept. */
  writing(): void {
    if (!this.#isFailing) return;
    this.#isFailing = false;
    const durationMs = Math.round(this.#clock.now() - this.#failingSince);
    this.#tell({ kind: "writing", durationMs });
  }

  /** An owner has gone. @param silentMs How long nothing was heard of it. */
  gone(owner: string, silentMs: number): void {
    const fields = { owner, silentMs };
    this.#line("warn", "an owner has gone, and what it kept is taken over", fields);
  }

  /** Something was taken over of an owner that has gone. */
  estate(news: EstateNews): void {
    if (news.kind === "unreadable") {
      return this.#line("error", "an entry cannot be read", { subject: news.subject });
    }
    const { owner, calls, reports } = news;
    this.#line("info", "entries were taken over", { owner, calls, reports });
  }

  /** Another one has all that was this owner's. */
  lost(owner: string, entries: number): void {
    this.#line("error", "another instance has taken over what this one kept", { owner, entries });
  }

  /** A report cannot be kept. */
  tooLarge({ end }: Change): void {
    this.#line("error", "a report is larger than NATS takes: it is in memory only", {
      clientId: end?.client.clientId ?? "",
      kind: end?.report.kind ?? "",
    });
  }

  #line(level: "info" | "warn" | "error", event: string, fields: LogFields): void {
    this.#tell({ kind: "line", level, event, fields });
  }
}
