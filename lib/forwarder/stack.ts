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
import { Count } from "./count.ts";
import { createFetchForwarder, createFetchLook } from "./fetch.ts";
import { type Forwarder, type ForwarderOptions, isReport } from "./forwarder.ts";
import { Hold } from "./hold.ts";
import { forwarderOver, type Layer } from "./layer.ts";
import { createLook, type Look } from "./look.ts";
import { type AwayCause, BackendReach, type Reach } from "./reach.ts";
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
  /** More tries of a SEND or connect hook. */
  readonly retries: number;
  /** How long a CALL waits for a backend that cannot be reached. */
  readonly awayHoldMs: number;
}

export interface Stack {
  readonly forwarder: Forwarder;
  readonly reach: Reach;
  /**
   * No CALL waits any longer for the backend to be reached: a shutdown. Those that do end, many of them
   * spread over `overMs`.
   */
  endHold(overMs: number): void;
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
  /** Looks whether the backend is there; without it over connections of its own. */
  readonly look?: Look | undefined;
}

/** Makes the innermost layer, which reaches a backend. */
export type CreateConnections = (options: ForwarderOptions) => Layer;

/** In words, for the log. */
const CAUSES: Readonly<Record<AwayCause, string>> = {
  unreachable: "it cannot be reached",
  failing: "it answers 502, 503 or 504",
};

/**
 * Builds it from the outside in: ids, the hold, tries, slots, turns of the event loop, what tells whether
 * the backend can be reached, its count and time, its span, and the connections. The hold and tries are
 * outside of the slots: one that waits holds none.
 */
export function createForwarderStack(options: StackOptions, deps: StackDeps): Stack {
  const { clock, random, log, metrics, version, signKeys, tracing } = deps;
  const { backend } = options;
  const isTcp = options.forwarder === "tcp";
  const userAgent = `ws2api/${version}`;
  /** CALLs that had had to wait before the outage. */
  let heldBefore = 0;
  const noteOutage = () => {
    if (metrics.backendOutSince.own === 0) metrics.backendOutSince.own = clock.wallNow() / 1000;
  };
  const reach = new BackendReach({
    clock,
    look: deps.look ?? (isTcp ? createLook : createFetchLook)({ backend, userAgent, clock }),
    events: {
      unreachable() {
        noteOutage();
        log.warn("backend unreachable: CALLs wait", { backend });
      },
      away(cause) {
        noteOutage();
        metrics.backendAway.own = 1;
        log.error("backend away", { backend, reason: CAUSES[cause], waiting: hold.count });
      },
      back(afterMs) {
        metrics.backendAway.own = 0;
        metrics.backendOutSince.own = 0;
        const held = hold.heldInAll - heldBefore;
        heldBefore = hold.heldInAll;
        log.info("backend back", { backend, durationMs: Math.round(afterMs), held });
      },
    },
  });
  const own = isTcp ? createTcpForwarder : createFetchForwarder;
  const create = deps.createConnections ?? own;
  const connections = create({
    backend,
    timeoutMs: options.backendTimeoutMs,
    maxBytes: options.maxMessageBytes,
    maxIdleConnections: options.backendConnections,
    userAgent,
    clock,
    signKeys,
    tracing,
  });
  const traced = tracing === undefined ? connections : new Spans(connections, tracing);
  const paced = new Turns(reach.counting(new Count(traced, metrics)), clock, (error) => {
    log.error("a request failed", { error: String(error) });
  });
  const limited = new Slots(paced, {
    max: options.backendConnections,
    maxWaitMs: options.backendTimeoutMs,
    clock,
    taken: metrics.slotsTaken,
    awaited: metrics.slotsAwaited,
    hanging: metrics.slotsHanging,
    slowClients: metrics.slowClients,
    events: {
      scarce: (state) => log.warn("all backend connections taken", { backend, ...state }),
      free: (afterMs) => {
        log.info("backend connections free again", { backend, durationMs: Math.round(afterMs) });
      },
    },
  });
  const retried = new Retries(limited, {
    retries: options.retries,
    clock,
    random: () => random.fraction(),
    givesUp: (request) => reach.isAway && !reach.isReachable && !isReport(request),
    onRetry: ({ kind }, reply) => {
      metrics.backendRetries[kind].add(1);
      const failure = reply.ok ? `status ${reply.status}` : reply.fault;
      log.warn("backend tried again", { backend, kind, failure });
    },
  });
  const { awayHoldMs: holdMs } = options;
  const hold = new Hold(retried, { reach, holdMs, clock, held: metrics.heldCalls });
  const forwarder = forwarderOver(new WebhookIds(hold, signKeys !== undefined, random));
  return {
    reach,
    endHold: (overMs) => hold.end(overMs),
    forwarder: {
      forward: forwarder.forward,
      close() {
        reach.close();
        forwarder.close();
      },
    },
  };
}
