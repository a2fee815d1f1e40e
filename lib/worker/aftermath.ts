/**
 * What the backend is told when a worker has died.
 *
 * @module
 */

import { ABNORMAL } from "../client/ending.ts";
import type { Legacy } from "../cluster/switchboard.ts";
import type { Clock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import type { Secrets } from "../config/secret.ts";
import type { Forwarder } from "../forwarder/forwarder.ts";
import { createForwarderStack, type StackDeps } from "../forwarder/stack.ts";
import { TimeOrderedIds } from "../ids.ts";
import { Cell } from "../metrics/tally.ts";
import type { AcceptedCall } from "../outbox/entry.ts";
import { MemoryStore } from "../outbox/memory.ts";
import type { Found, Store } from "../outbox/store.ts";
import { createDeliveries } from "../report/create.ts";
import type { Deliveries } from "../report/deliveries.ts";
import { disconnectReport } from "../report/report.ts";

export interface AftermathOptions {
  /** The main thread's own. */
  readonly deliveries: Pick<
    Deliveries,
    "recover" | "adopt" | "deliver" | "whenEmpty" | "close"
  >;
  /** The way of these, which ends with them. */
  readonly forwarder: Pick<Forwarder, "close">;
  readonly ids: Pick<TimeOrderedIds, "next">;
  readonly clock: Pick<Clock, "wallNow">;
  /** Whether the backend is told of each end of a connection. */
  readonly disconnectHook: boolean;
}

const NOTHING_FOUND: Found = { calls: [], reports: [] };

/**
 * Delivers what dead workers owe, and tells of the ends of their clients.
 *
 * An outcome that only the worker knew ends as an error under the id that it had: one that the worker was
 * posting when it died may then come twice. The end of a client that had been closed before, but not
 * reported yet, is lost with the worker when the outbox does not have it.
 */
export class Aftermath {
  readonly #options: AftermathOptions;

  constructor(options: AftermathOptions) {
    this.#options = options;
  }

  /**
   * Begins to deliver, each client's in order. `whenDone` tells when all is delivered.
   *
   * @param legacy What is known of the worker in this thread.
   * @param found What it left in the outbox.
   */
  report({ clients, calls }: Legacy, found: Found = NOTHING_FOUND): void {
    const { deliveries, ids, clock, disconnectHook } = this.#options;
    const known = new Set([...found.reports, ...found.calls].map(({ id }) => id));
    const acceptedAt = clock.wallNow();
    const owed = calls.filter(({ call: { id } }) => id === undefined || !known.has(id))
      .map(({ client, call }): AcceptedCall => {
        const { action, messageId, trace, id = ids.next() } = call;
        return { id, client, action, messageId, trace, acceptedAt };
      });
    const all = { reports: found.reports, calls: [...found.calls, ...owed] };
    deliveries.adopt(all, "the gateway lost the client");
    if (!disconnectHook) return;
    for (const client of clients) deliveries.deliver(client, disconnectReport(ABNORMAL, ""));
  }

  /** Resolves when nothing is left to deliver. */
  whenDone(): Promise<void> {
    return this.#options.deliveries.whenEmpty();
  }

  /** Takes over what an earlier process left. Never rejects. */
  recover(): Promise<void> {
    return this.#options.deliveries.recover();
  }

  /** Ends all tries. */
  close(): void {
    this.#options.deliveries.close();
    this.#options.forwarder.close();
  }
}

export interface AftermathDeps extends Omit<StackDeps, "signKeys"> {
  readonly secrets: Pick<Secrets, "signKeys">;
  /** Where reports are kept; without it in memory alone. */
  readonly store?: Store | undefined;
}

/** Makes that of the main thread, with deliveries of its own. */
export function createAftermath(config: Config, deps: AftermathDeps): Aftermath {
  const { clock, random, log, metrics, secrets: { signKeys }, store = new MemoryStore() } = deps;
  const forwarder = createForwarderStack(config, {
    ...deps,
    signKeys,
    // It seldom sends anything, so that its breaker would tell of an outage long after its end.
    metrics: { ...metrics, breakerOpen: new Cell() },
  });
  const ids = new TimeOrderedIds(clock, random);
  // Nobody sends CALLs to clients from here: nothing bounds what waits for one.
  const deliveries = createDeliveries({ ...config, maxQueueChars: Infinity }, {
    ...{ forwarder, store, ids, clock, random, log, metrics },
  });
  const { disconnectHook } = config;
  return new Aftermath({ deliveries, forwarder, ids, clock, disconnectHook });
}
