/**
 * What the backend is told of one client, one report after the other.
 *
 * @module
 */

import { type Identity, namesOf } from "../identity.ts";
import { Lane, type LaneOptions, type QueueLimits } from "../queue/lane.ts";
import { enterBacklog, type PostDeps, postReport } from "./post.ts";
import type { Report } from "../outbox/entry.ts";

/** The connection that the reports are about. */
export interface Reporter extends Identity {
  /** One is done: there is room for one more. */
  reportDone(): void;
  /** None is waiting or under way any more. */
  reportsDone(): void;
}

export interface ReportsDeps extends PostDeps {
  readonly limits: QueueLimits;
}

/** A report, and who is told when it is done. */
interface Waiting {
  readonly report: Report;
  readonly ended: (() => void) | undefined;
}

/**
 * Forwards the reports of one connection, one after the other. Made for the first one and dropped when
 * none is left; it may live longer than the socket.
 */
export class Reports implements LaneOptions<Waiting> {
  // Without a bound of its own: those who report have looked for room, or Pending has.
  readonly maxWaiting = Infinity;
  readonly maxSize = Infinity;
  readonly #reporter: Reporter;
  readonly #deps: ReportsDeps;
  readonly #lane: Lane<Waiting>;

  constructor(reporter: Reporter, deps: ReportsDeps) {
    this.#reporter = reporter;
    this.#deps = deps;
    this.#lane = new Lane(this);
  }

  sizeOf({ report }: Waiting): number {
    return report.body.length;
  }

  onIdle(): void {
    this.#reporter.reportsDone();
  }

  /** Reports that wait or are under way. */
  get count(): number {
    return this.#lane.count;
  }

  /** Whether one more may be caused. */
  get hasRoom(): boolean {
    const { maxQueue, maxQueueChars } = this.#deps.limits;
    return this.#lane.waiting < maxQueue && this.#lane.size < maxQueueChars;
  }

  /**
   * Takes a report, whether there is room or not.
   *
   * @param ended Called when the backend has taken it, or it is lost.
   */
  push(report: Report, ended?: () => void): void {
    enterBacklog(this.#deps.backlog, report);
    this.#lane.push({ report, ended });
  }

  handle(waiting: Waiting): void {
    void this.#post(waiting).then(
      () => this.#lane.done(waiting),
      (error) => this.#lane.broke(waiting, error),
    );
  }

  /** Posts one; `postReport` does not reject. */
  async #post({ report, ended }: Waiting): Promise<void> {
    await postReport(this.#deps, this.#reporter, report);
    try {
      ended?.();
    } finally {
      this.#reporter.reportDone();
    }
  }

  failed(error: unknown): void {
    this.#deps.log.error("a report failed", { ...namesOf(this.#reporter), error: String(error) });
  }
}
