/**
 * What the main thread reports to the backend itself, with all that it takes.
 *
 * @module
 */

import type { Config } from "../config/config.ts";
import type { Secrets } from "../config/secret.ts";
import { createForwarderStack, type StackDeps } from "../forwarder/stack.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { Cell } from "../metrics/tally.ts";
import { Backlog } from "../queue/backlog.ts";
import { Aftermath } from "./aftermath.ts";

export interface OwnReports {
  readonly aftermath: Aftermath;
  /** Signs with other keys from now on. Without keys at the start it does nothing. */
  changeSignKeys(keys: readonly Uint8Array[]): void;
  /** Hangs up. */
  close(): void;
}

const AFTERMATH_CONCURRENCY = 64;

/** Makes it; nothing is connected yet. */
export function createAftermath(
  config: Config,
  deps: Omit<StackDeps, "metrics" | "signKeys"> & { readonly secrets: Pick<Secrets, "signKeys"> },
  metrics: Metrics,
): OwnReports {
  const { secrets, clock, random, log, version, tracing } = deps;
  // The forwarder looks into it for each request.
  const signKeys = secrets.signKeys && [...secrets.signKeys];
  const forwarder = createForwarderStack(config, {
    clock,
    random,
    log,
    // It seldom sends anything, so that its breaker would tell of an outage long after its end.
    metrics: { ...metrics, breakerOpen: new Cell() },
    version,
    signKeys,
    tracing,
  });
  const aftermath = new Aftermath({
    forwarder,
    backlog: new Backlog(Infinity, Infinity, {
      count: metrics.waiting,
      chars: metrics.waitingChars,
      disconnects: metrics.disconnectsWaiting,
    }),
    metrics,
    log,
    disconnectHook: config.disconnectHook,
    concurrency: AFTERMATH_CONCURRENCY,
  });
  return {
    aftermath,
    changeSignKeys: (keys) => void signKeys?.splice(0, signKeys.length, ...keys),
    close: () => forwarder.close(),
  };
}
