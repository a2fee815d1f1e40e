/**
 * What both sides of a gateway, its clients' and its API's, work with.
 *
 * @module
 */

import type { Connection } from "../client/connection.ts";
import { ConnectionMap } from "../client/map.ts";
import { Departures } from "../client/departures.ts";
import { Taps } from "../client/tap.ts";
import type { Clock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import { MemoryWatch } from "../door/memory.ts";
import { createForwarderStack, type Stack } from "../forwarder/stack.ts";
import { SharedTime, TimeOrderedIds } from "../ids.ts";
import type { Log } from "../log/log.ts";
import { LagWatch } from "../metrics/lag.ts";
import { type Metrics, MetricSet } from "../metrics/metrics.ts";
import { residentBytes } from "../metrics/process.ts";
import { Backlog } from "../queue/backlog.ts";
import type { Random } from "../random.ts";
import { createDeliveries } from "../report/create.ts";
import type { Deliveries } from "../report/deliveries.ts";
import { History } from "../status/history.ts";
import { HistoryWatch } from "../status/history_watch.ts";
import type { Tracing } from "../trace/tracing.ts";
import { createInspector, type Inspect } from "../validate/inspector.ts";
import type { GatewayDeps } from "./deps.ts";
import { LimitsNow } from "./limits.ts";

export interface Core extends Stack {
  readonly clock: Clock;
  readonly random: Random;
  /** What ids of connections are made of. */
  readonly time: SharedTime;
  readonly log: Log;
  readonly tracing: Tracing | undefined;
  /** Threads that share ports, memory and limits with this gateway, itself included. */
  readonly teamSize: number;
  readonly metricSet: MetricSet;
  readonly metrics: Metrics;
  readonly connections: ConnectionMap<Connection>;
  readonly backlog: Backlog;
  readonly deliveries: Deliveries;
  /** Names reports. */
  readonly ids: TimeOrderedIds;
  /** What one client's queue may come to, in UTF-16 code units. */
  readonly maxQueueChars: number;
  readonly memory: MemoryWatch;
  readonly lag: LagWatch;
  readonly departures: Departures;
  readonly history: History;
  /** Undefined where another thread writes the history. */
  readonly historyWatch: HistoryWatch | undefined;
  /** Undefined when payloads are not checked. */
  readonly inspect: Inspect | undefined;
  /** Undefined when nobody may look at frames. */
  readonly taps: Taps | undefined;
  readonly isShuttingDown: () => boolean;
  readonly limits: LimitsNow;
  /** Signs requests to the backend with other keys from now on. Without keys at the start it does nothing. */
  readonly changeSignKeys: (keys: readonly Uint8Array[]) => void;
}

/** What one client's queue may come to: messages of full size, and never less than 16 MiB. */
const QUEUED_MESSAGES_OF_FULL_SIZE = 16;
const MIN_QUEUE_CHARS = 16 * 1024 ** 2;

/** Builds it; nothing runs yet. */
export function createCore(
  config: Config,
  deps: GatewayDeps,
  isShuttingDown: () => boolean,
): Core {
  const { log, version, clock, random, secrets, tracing } = deps;
  const { size: teamSize, metricSet } = deps.team ?? {
    size: 1,
    metricSet: new MetricSet(config.protocols),
  };
  const { metrics } = metricSet;
  const connections = new ConnectionMap<Connection>();
  const maxQueueChars = Math.max(
    QUEUED_MESSAGES_OF_FULL_SIZE * config.maxMessageBytes,
    MIN_QUEUE_CHARS,
  );
  // All queues together hold what eight full ones do.
  const backlog = new Backlog(config.maxWaiting, 8 * maxQueueChars, {
    count: metrics.waiting,
    chars: metrics.waitingChars,
  });
  // The forwarder looks into it for each request.
  const signKeys = secrets.signKeys && [...secrets.signKeys];
  const limits = new LimitsNow(config);
  const stackDeps = {
    ...{ clock, random, log, metrics, version, signKeys, tracing },
    createConnections: deps.createConnections,
    look: deps.look,
  };
  const stack = createForwarderStack(config, stackDeps);
  const ids = new TimeOrderedIds(clock, random);
  const deliveries = createDeliveries({ ...config, maxQueueChars }, {
    ...{ forwarder: stack.forwarder, store: deps.store, ids, clock, random, log, metrics },
    earlier: deps.earlier,
    // The main thread has some too.
    threads: teamSize === 1 ? 1 : teamSize + 1,
  });
  stack.reach.onReachable(() => deliveries.reachable());
  const memory = new MemoryWatch({
    get maxBytes() {
      return limits.maxMemoryBytes;
    },
    readResident: residentBytes,
    connections,
    threads: teamSize,
    clock,
    log,
  });
  const { departures = new Departures(clock), history = new History() } = deps;
  return {
    departures,
    history,
    historyWatch: deps.history === undefined
      ? new HistoryWatch({ history, metrics, readResident: residentBytes, clock })
      : undefined,
    clock,
    random,
    time: new SharedTime(clock),
    log,
    tracing,
    teamSize,
    metricSet,
    metrics,
    connections,
    backlog,
    deliveries,
    ids,
    maxQueueChars,
    ...stack,
    memory,
    lag: new LagWatch(clock, metrics.eventLoopLag),
    inspect: inspectOf(config.validate, deps, metrics),
    taps: config.noTail ? undefined : new Taps(clock),
    isShuttingDown,
    limits,
    changeSignKeys: (keys) => void signKeys?.splice(0, signKeys.length, ...keys),
  };
}

function inspectOf(
  mode: Config["validate"],
  { validator, log }: Pick<GatewayDeps, "validator" | "log">,
  { invalidPayloads }: Metrics,
): Inspect | undefined {
  if (mode === "off") return undefined;
  if (validator === undefined) throw new TypeError("--validate needs a validator");
  return createInspector({
    validator,
    mode,
    log,
    count: (direction, type) => invalidPayloads[direction][type].add(1),
  });
}
