/**
 * The side of the clients: who gets in, their connections, and those of other instances.
 *
 * @module
 */

import { connect } from "../client/connect.ts";
import type { ConnectionDeps } from "../client/connection.ts";
import { ClientRate } from "../client/rate.ts";
import { alone, noWitness } from "../cluster/alone.ts";
import type { Bus, Peer } from "../cluster/bus.ts";
import type { CallRecords } from "../cluster/call_records.ts";
import { LocalClients } from "../cluster/local.ts";
import type { RequestKeys } from "../cluster/request_keys.ts";
import { durationText, retentionOf } from "../cluster/retention.ts";
import type { Config } from "../config/config.ts";
import { ConnectHook } from "../door/hook.ts";
import { createUpgrade, type Upgrade } from "../door/upgrade.ts";
import { Verdicts } from "../door/verdicts.ts";
import type { SocketMaker } from "../socket/socket.ts";
import { Sockets } from "../socket/sockets.ts";
import { instanceStateOf } from "../status/instances.ts";
import { residentBytes } from "../metrics/process.ts";
import type { InstanceState } from "../cluster/survey.ts";
import type { Core } from "./core.ts";
import type { GatewayDeps } from "./deps.ts";

export interface ClientSide {
  readonly sockets: Sockets;
  /** Serves what is asked of the clients connected here. */
  readonly local: LocalClients;
  readonly bus: Bus;
  /** How far CALLs to the clients connected here have got. */
  readonly records: CallRecords;
  /** The `Idempotency-Key`s that were used here. */
  readonly keys: RequestKeys;
  readonly upgrade: Upgrade;
  /** Undefined without `--client-rate`. */
  readonly rate: ClientRate | undefined;
  /** Heeds the `--client-rate` that counts now: nobody waits for the older one any more. */
  changeRate(): void;
  /** Whom the backend need not be asked about. */
  readonly verdicts: Verdicts;
}

/** Builds it, and joins the others. */
export function createClientSide(
  config: Config,
  core: Core,
  maker: SocketMaker,
  { createBus, witness = noWitness, ...names }: Pick<
    GatewayDeps,
    "createBus" | "witness" | "instance" | "host" | "version" | "startedAt"
  >,
): ClientSide {
  const { clock, random, log, metrics, connections, backlog, forwarder, memory } = core;
  const { inspect, tracing, isShuttingDown, maxQueueChars, taps, reach, deliveries, ids } = core;
  const { limits } = core;
  const closesWhen = config.backendAway === "close" ? reach : undefined;
  const verdicts = new Verdicts(clock, random);
  const callTimeoutText = durationText(config.callTimeoutMs);
  const { records, keys } = retentionOf(config, { clock, ids }, core.teamSize);
  const local = new LocalClients({
    inspect,
    taps,
    connections,
    backlog,
    deliveries,
    ids,
    clock,
    isShuttingDown,
    apiCallSeconds: metrics.apiCallSeconds,
    witness,
    verdicts,
    records,
    keys,
    outbox: deliveries,
    instance: () => stateOf(names, core),
    tracing,
  });
  const bus = createBus?.(local satisfies Peer, { time: core.time, metrics }) ?? alone;
  const sockets = new Sockets(maker, clock, metrics.sockets);
  const createRate = (): ClientRate | undefined =>
    limits.clientRate &&
    new ClientRate(limits.clientRate, { clock, log, limited: metrics.rateLimited });
  let rate = createRate();
  // One object for all connections.
  const connectionDeps: ConnectionDeps = {
    bus,
    departures: core.departures,
    inspect,
    sockets,
    isShuttingDown,
    connections,
    forwarder,
    backlog,
    deliveries,
    limits: { ...config, maxQueueChars },
    get rate() {
      return rate;
    },
    clock,
    log,
    metrics,
    closesWhen,
    backendTimeoutText: durationText(config.backendTimeoutMs),
    callTimeoutText,
    disconnectHook: config.disconnectHook,
    tracing,
  };
  const { backendConnections } = config;
  const hook = config.connectHook
    ? new ConnectHook({ forwarder, verdicts, backendConnections, waiting: metrics.connectsWaiting })
    : undefined;
  const upgrade = createUpgrade({
    ...config,
    get maxConnections() {
      return limits.maxConnections;
    },
    get connectRate() {
      const { connectRate } = limits;
      return connectRate === undefined ? undefined : connectRate / core.teamSize;
    },
  }, {
    maker,
    sockets,
    hook,
    connect: (socket, identity) => connect(socket, identity, connectionDeps),
    connections,
    memory,
    closesWhen,
    isShuttingDown,
    backlog,
    deliveries,
    clock,
    random,
    time: core.time,
    metrics,
    log,
  });
  return {
    ...{ sockets, local, bus, records, keys, upgrade, verdicts },
    get rate() {
      return rate;
    },
    changeRate() {
      rate?.stop();
      rate = createRate();
    },
  };
}

/** How this process does among others; null without others. */
function stateOf(
  { instance, host = null, version, startedAt }: Pick<
    GatewayDeps,
    "instance" | "host" | "version" | "startedAt"
  >,
  { metrics, history }: Pick<Core, "metrics" | "history">,
): InstanceState | null {
  return instance === undefined
    ? null
    : instanceStateOf({ instance, host, version, startedAt }, metrics, history, residentBytes());
}
