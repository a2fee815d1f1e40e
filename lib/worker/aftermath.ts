/**
 * What the backend is told when a worker has died.
 *
 * @module
 */

import { ABNORMAL } from "../client/ending.ts";
import { ConnectionMap } from "../client/map.ts";
import type { Client, MainPeer } from "../cluster/bus.ts";
import type { CallRecords } from "../cluster/call_records.ts";
import type { RequestKeys } from "../cluster/request_keys.ts";
import { ownAnswer } from "../cluster/own_answer.ts";
import type { Answers, QuestionKind, QuestionOf } from "../cluster/survey.ts";
import type { Legacy } from "../cluster/switchboard.ts";
import { followStore, takeOver } from "../cluster/takeover.ts";
import type { Clock } from "../clock.ts";
import type { Forwarder } from "../forwarder/forwarder.ts";
import { namesOf } from "../identity.ts";
import type { TimeOrderedIds } from "../ids.ts";
import type { Log } from "../log/log.ts";
import type { AcceptedCall } from "../outbox/entry.ts";
import { NOTHING_FOUND } from "../outbox/outbox.ts";
import type { Found, Store } from "../outbox/store.ts";
import type { Deliveries } from "../report/deliveries.ts";
import type { EarlierClients } from "../report/earlier.ts";
import { CLIENT_LOST, disconnectReport, RESTARTED } from "../report/report.ts";

/** No client is connected to the main thread. */
const NOBODY = new ConnectionMap<Client>();

export interface AftermathOptions {
  /** The main thread's own, and the way of these, which ends with them. */
  readonly deliveries: Deliveries;
  readonly forwarder: Pick<Forwarder, "close">;
  /** Of what was left, for those who ask. */
  readonly records: CallRecords;
  readonly keys: RequestKeys;
  readonly store: Pick<Store, "recover" | "follow">;
  readonly earlier: Pick<EarlierClients, "expect">;
  readonly ids: Pick<TimeOrderedIds, "next">;
  readonly clock: Pick<Clock, "wallNow">;
  readonly log: Pick<Log, "info">;
  /** Whether the backend is told of each end of a connection. */
  readonly disconnectHook: boolean;
}

/**
 * Delivers what dead workers and an earlier process owe, tells of the ends of clients, and answers those who
 * ask about all that.
 *
 * An outcome that only the worker knew ends as an error under the id that it had: one that the worker was
 * posting when it died may then come twice. The end of a client that had been closed before, but not
 * reported yet, is lost with the worker when the outbox does not have it.
 */
export class Aftermath implements MainPeer {
  readonly #options: AftermathOptions;
  /** What the outbox is asked for. */
  readonly #findings = new Set<Promise<Found>>();

  constructor(options: AftermathOptions) {
    this.#options = options;
  }

  /** Takes over what an earlier process left, and what other owners leave from then on. Never rejects. */
  async recover(): Promise<void> {
    const { store, earlier } = this.#options;
    takeOver(this.#options, await store.recover(), RESTARTED);
    followStore(store, this.#options, earlier);
  }

  /**
   * Begins to deliver, each client's in order. `whenDone` tells when all is delivered. Never rejects.
   *
   * @param legacy What is known of the worker in this thread.
   * @param finding What it left in the outbox. Must not reject.
   */
  async report(legacy: Legacy, finding?: Promise<Found>): Promise<void> {
    // Those who come back to another worker before the outbox has answered would overtake themselves.
    const { clients, calls } = legacy;
    const all = [...clients, ...calls.map(({ client }) => client)];
    const adopted = this.#options.earlier.expect(all.map(({ clientId }) => clientId));
    try {
      if (finding === undefined) return this.#report(legacy, NOTHING_FOUND);
      this.#findings.add(finding);
      const found = await finding;
      this.#findings.delete(finding);
      this.#report(legacy, found);
    } finally {
      adopted();
    }
  }

  #report({ clients, calls }: Legacy, found: Found): void {
    const { deliveries, ids, clock, log, disconnectHook } = this.#options;
    const known = new Set([...found.reports, ...found.calls].map(({ id }) => id));
    const acceptedAt = clock.wallNow();
    const owed = calls.filter(({ call: { id } }) => id === undefined || !known.has(id))
      .map(({ client, call }): AcceptedCall => {
        const { action, messageId, trace, id = ids.next() } = call;
        return { id, client, action, messageId, trace, acceptedAt };
      });
    const all = { reports: found.reports, calls: [...found.calls, ...owed] };
    takeOver(this.#options, all, CLIENT_LOST);
    for (const client of clients) {
      const fields = { cause: "worker_died", closeCode: ABNORMAL, reason: "" };
      log.info("client disconnected", { ...namesOf(client), ...fields });
      if (disconnectHook) deliveries.deliver(client, disconnectReport(ABNORMAL, ""));
    }
  }

  answerTo<K extends QuestionKind>(question: QuestionOf<K>): Answers[K] {
    const { deliveries: outbox, records, keys } = this.#options;
    return ownAnswer(question, { connections: NOBODY, records, keys, outbox });
  }

  /** Reports that the backend has not taken. */
  get undelivered(): number {
    return this.#options.deliveries.waiting;
  }

  /** Resolves when nothing is left to deliver. */
  async whenDone(): Promise<void> {
    // Those who wait for one of these were there before, and have begun to deliver when this goes on.
    await Promise.all(this.#findings);
    await this.#options.deliveries.whenEmpty();
  }

  /** Ends all tries. */
  close(): void {
    const { deliveries, forwarder, records, keys } = this.#options;
    deliveries.close();
    forwarder.close();
    records.close();
    keys.close();
  }
}
