/**
 * The forwarder with all that stands around it.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Log } from "../log/log.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Random } from "../random.ts";
import type { Tracing } from "../trace/tracing.ts";
import { Breaker } from "./breaker.ts";
import { Count } from "./count.ts";
import { createFetchForwarder } from "./fetch.ts";
import type { Forwarder, ForwarderOptions } from "./forwarder.ts";
import { forwarderOver, type Layer } from "./layer.ts";
import { Retries } from "./retry.ts";
import { Slots } from "./slots.ts";
import { createTcpForwarder } from "./tcp.ts";
import { Spans } from "./trace.ts";
import { Turns } from "./turn.ts";
import { WebhookIds } from "./webhook_id.ts";

export interface StackOptions {
  readonly forwarder: "fetch" | "tcp";
  readonly backend: string;
  readonly backendTimeoutMs: number;
  readonly backendConnections: number;
  readonly maxMessageBytes: number;
  readonly retries: number;
}

export interface StackDeps {
  readonly clock: Clock;
  /** Spreads tries, and makes ids. */
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly version: string;
  readonly signKeys: readonly Uint8Array[] | undefined;
  readonly tracing?: Tracing | undefined;
  /** Makes the connections to the backend; without it those that `forwarder` names. */
  readonly createConnections?: CreateConnections | undefined;
}

/** Makes the innermost layer, which reaches a backend. */
export type CreateConnections = (options: ForwarderOptions) => Layer;

/**
 * Builds it from the outside in: ids, the breaker's guard, tries, slots, the breaker's count, turns of the
 * event loop, its count and time, its span, and the connections. Tries are outside of the slots: one
 * that waits holds none.
 */
export function createForwarderStack(options: StackOptions, deps: StackDeps): Forwarder {
  const { clock, random, log, metrics, version, signKeys, tracing } = deps;
  const { backend } = options;
  const breaker = new Breaker(clock, (isOpen) => {
    metrics.breakerOpen.own = isOpen ? 1 : 0;
    if (isOpen) log.error("backend away: CALLs are answered at once", { backend });
    else log.info("backend back", { backend });
  });
  const own = options.forwarder === "tcp" ? createTcpForwarder : createFetchForwarder;
  const create = deps.createConnections ?? own;
  const connections = create({
    backend,
    timeoutMs: options.backendTimeoutMs,
    maxBytes: options.maxMessageBytes,
    maxIdleConnections: options.backendConnections,
    userAgent: `ws2api/${version}`,
    clock,
    signKeys,
    tracing,
  });
  const traced = tracing === undefined ? connections : new Spans(connections, tracing);
  const paced = new Turns(new Count(traced, metrics), clock, (error) => {
    log.error("a request failed", { error: String(error) });
  });
  const limited = new Slots(breaker.counting(paced), {
    max: options.backendConnections,
    maxWaitMs: options.backendTimeoutMs,
    clock,
    taken: metrics.slotsTaken,
    awaited: metrics.slotsAwaited,
  });
  const retried = new Retries(limited, {
    retries: options.retries,
    clock,
    random: () => random.fraction(),
    givesUp: (request) => breaker.holdsBack(request),
    onRetry: ({ kind }, reply) => {
      metrics.backendRetries[kind].add(1);
      const failure = reply.ok ? `status ${reply.status}` : reply.fault;
      log.warn("backend tried again", { backend, kind, failure });
    },
  });
  return forwarderOver(new WebhookIds(breaker.guarding(retried), signKeys !== undefined, random));
}
