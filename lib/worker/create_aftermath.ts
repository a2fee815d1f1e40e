/**
 * The aftermath as the configuration has it.
 *
 * @module
 */

import { retentionOf } from "../cluster/retention.ts";
import type { Config } from "../config/config.ts";
import type { Secrets } from "../config/secret.ts";
import { createForwarderStack, type StackDeps } from "../forwarder/stack.ts";
import { TimeOrderedIds } from "../ids.ts";
import { Cell } from "../metrics/tally.ts";
import type { Store } from "../outbox/store.ts";
import { createDeliveries } from "../report/create.ts";
import type { EarlierClients } from "../report/earlier.ts";
import { Aftermath } from "./aftermath.ts";

export interface AftermathDeps extends Omit<StackDeps, "signKeys"> {
  readonly secrets: Pick<Secrets, "signKeys">;
  /** The main thread's own. */
  readonly store: Store;
  /** How many there are. */
  readonly workers: number;
  /** Tells the workers of whom there are reports here. */
  readonly earlier: EarlierClients;
}

/** What the main thread reports itself. */
export interface OwnReports {
  readonly aftermath: Aftermath;
  /** Signs with other keys from now on, tries of older reports too. Without keys at the start it does nothing. */
  changeSignKeys(keys: readonly Uint8Array[]): void;
}

/** Makes the aftermath of the main thread, with deliveries of its own. */
export function createAftermath(config: Config, deps: AftermathDeps): OwnReports {
  const { clock, random, log, metrics, secrets, store, earlier, workers } = deps;
  // The forwarder looks into it for each request.
  const signKeys = secrets.signKeys && [...secrets.signKeys];
  const { forwarder, reach } = createForwarderStack(config, {
    ...deps,
    signKeys,
    // It has no CALLs: what it finds of the backend concerns no client.
    metrics: { ...metrics, backendAway: new Cell() },
  });
  const ids = new TimeOrderedIds(clock, random);
  // Nobody sends CALLs to clients from here: nothing bounds what waits for one.
  const deliveries = createDeliveries({ ...config, maxQueueChars: Infinity }, {
    ...{ forwarder, store, ids, clock, random, log, metrics },
    follower: earlier,
    threads: workers + 1,
  });
  reach.onReachable(() => deliveries.reachable());
  const { disconnectHook } = config;
  const retention = retentionOf(config, { clock, ids }, 1);
  const aftermath = new Aftermath({
    deliveries,
    forwarder,
    ...retention,
    store,
    earlier,
    ids,
    clock,
    log,
    disconnectHook,
  });
  return {
    aftermath,
    changeSignKeys: (keys) => void signKeys?.splice(0, signKeys.length, ...keys),
  };
}
