/**
 * What the backend is told when a worker has died.
 *
 * @module
 */

import { ABNORMAL } from "../client/ending.ts";
import type { Client } from "../cluster/bus.ts";
import type { Legacy } from "../cluster/switchboard.ts";
import { namesOf } from "../identity.ts";
import { enterBacklog, type PostDeps, postReport } from "../report/post.ts";
import { disconnectReport, lostReport } from "../report/report.ts";
import type { Report } from "../outbox/entry.ts";

export interface AftermathOptions extends PostDeps {
  /** Whether the backend is told of each end of a connection. */
  readonly disconnectHook: boolean;
  /** How many clients' reports are under way at once. */
  readonly concurrency: number;
}

/**
 * Posts the outcomes that dead workers owe, and the ends of their clients, which the log is told too.
 *
 * An outcome that the worker was posting when it died is posted here as well, as an error: nobody
 * knows how far it came, and the backend rather gets two than none. The end of a client that had been
 * closed before, but not reported yet, is lost with the worker.
 */
export class Aftermath {
  readonly #options: AftermathOptions;

  constructor(options: AftermathOptions) {
    this.#options = options;
  }

  /** Begins to post, each client's in order. `whenDone` tells when all is posted. */
  report({ clients, calls }: Legacy): void {
    const { backlog, disconnectHook, concurrency, log } = this.#options;
    const byConnection = new Map<string, { client: Client; reports: Report[] }>();
    const add = (client: Client, report: Report): void => {
      enterBacklog(backlog, report);
      const entry = byConnection.get(client.connectionId);
      if (entry === undefined) byConnection.set(client.connectionId, { client, reports: [report] });
      else entry.reports.push(report);
    };
    for (const client of clients) {
      const fields = { cause: "worker_died", closeCode: ABNORMAL, reason: "" };
      log.info("client disconnected", { ...namesOf(client), ...fields });
    }
    for (const { client, call } of calls) add(client, lostReport(call, client.protocol));
    if (disconnectHook) {
      for (const client of clients) add(client, disconnectReport(ABNORMAL, ""));
    }
    // One iterator for all: each takes the next client when it has done with one.
    const entries = byConnection.values();
    for (let i = 0; i < concurrency; i++) void this.#post(entries);
  }

  /** Resolves when nothing is left to post. */
  whenDone(): Promise<void> {
    return this.#options.backlog.whenEmpty();
  }

  /** Never rejects: `postReport` does not. */
  async #post(entries: Iterable<{ client: Client; reports: Report[] }>): Promise<void> {
    for (const { client, reports } of entries) {
      for (const report of reports) await postReport(this.#options, client, report);
    }
  }
}
