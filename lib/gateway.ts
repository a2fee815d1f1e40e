/**
 * The composition root: builds the parts, listens, and shuts down.
 *
 * @module
 */

import { handleApi, isApiPath } from "./api/api.ts";
import { createAuthorize } from "./api/authorize.ts";
import { type Clock, within } from "./clock.ts";
import { rawPath } from "./codec/route.ts";
import { alone, noWitness } from "./cluster/alone.ts";
import type { Bus, CallNames, Client, Peer, Witness } from "./cluster/bus.ts";
import { Clients } from "./cluster/clients.ts";
import { LocalClients } from "./cluster/local.ts";
import { type Config, isLoopback } from "./config/config.ts";
import type { Secrets, TlsPair } from "./config/secret.ts";
import { Backlog } from "./queue/backlog.ts";
import { connect } from "./client/connect.ts";
import type { Connection, ConnectionDeps } from "./client/connection.ts";
import { allClosed, drain } from "./client/drain.ts";
import { ConnectionMap } from "./client/map.ts";
import { MemoryWatch } from "./door/memory.ts";
import { type Random, systemRandom } from "./random.ts";
import { postAlone } from "./report/post.ts";
import { lostReport } from "./report/report.ts";
import { createDenoSockets } from "./socket/deno_socket.ts";
import { Sockets } from "./socket/sockets.ts";
import { Taps } from "./client/tap.ts";
import { isUpgrade } from "./door/handshake.ts";
import { createUpgrade } from "./door/upgrade.ts";
import { createForwarderStack } from "./forwarder/stack.ts";
import { listen } from "./listener/listener.ts";
import type { Log } from "./log/log.ts";
import { expose } from "./metrics/exposition.ts";
import { LagWatch } from "./metrics/lag.ts";
import { MetricSet } from "./metrics/metrics.ts";
import { processUsage, residentBytes, runtimeVersion } from "./metrics/process.ts";
import { RecentFaults } from "./log/recent_faults.ts";
import type { Tracing } from "./trace/tracing.ts";
import { problem } from "./problem.ts";
import { snapshotOf } from "./status/snapshot.ts";
import { Status } from "./status/status.ts";
import { createInspector, type Inspect } from "./validate/inspector.ts";
import type { Validator } from "./validate/validator.ts";

export interface GatewayDeps {
  readonly log: Log;
  /** What the log told of, for the status page. */
  readonly faults?: RecentFaults | undefined;
  readonly version: string;
  /** When the process began, in milliseconds since 1970. */
  readonly startedAt: number;
  readonly clock: Clock;
  /** The machine's without it. */
  readonly random?: Random;
  readonly secrets: Secrets;
  /** Ties the gateway to others; without it is alone. */
  readonly createBus?: ((local: Peer) => Bus) | undefined;
  readonly witness?: Witness;
  /** Needed for `config.validate` other than `off`. */
  readonly validator?: Validator | undefined;
  /** For one of several gateways in this process; without it is alone. */
  readonly team?: Team | undefined;
  /** Without it nothing is traced. */
  readonly tracing?: Tracing | undefined;
}

/** Gateways in threads of one process, which share its ports, its memory and its limits. */
export interface Team {
  readonly size: number;
  /** What this one counts, beside the others. */
  readonly metricSet: MetricSet;
}

export interface Gateway {
  /** `http://HOST:PORT` of the clients' listener, with the port that it got. */
  readonly url: string;
  /** The API's, when it has a listener of its own. */
  readonly apiUrl: string | undefined;
  /**
   * Takes a new certificate for connections from now on.
   *
   * @returns When the older certificate is not given any more; rejects when the pair cannot be used:
   *   the old one stays then.
   */
  reloadTls(pair: TlsPair): Promise<void>;
  /**
   * Refuses new work, finishes what is under way within the drain time-out, ends the CALLs still
   * outstanding, closes all clients with 1001 and stops listening. Once only; never rejects.
   */
  shutdown(): Promise<void>;
}

/** Also an answer to a `POST /call` that is none: nothing was sent. */
const NOT_SENT = { "ws2api-outcome": "not-sent" };
/** What one client's queue may come to: messages of full size, and never less than 16 MiB. */
const QUEUED_MESSAGES_OF_FULL_SIZE = 16;
const MIN_QUEUE_CHARS = 16 * 1024 ** 2;
/** How long the last frames and responses may take to leave at a shutdown. */
const FAREWELL_MS = 2000;

/**
 * Starts a gateway.
 *
 * @throws {Deno.errors.AddrInUse} and what else `Deno.serve` throws when it cannot listen.
 */
export function startGateway(config: Config, deps: GatewayDeps): Gateway {
  const { log, version, startedAt, clock, random = systemRandom, secrets, tracing } = deps;
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
  const forwarder = createForwarderStack(config, {
    clock,
    random,
    log,
    metrics,
    version,
    signKey: secrets.signKey,
    tracing,
  });
  const memory = new MemoryWatch({
    maxBytes: config.maxMemoryBytes,
    readResident: residentBytes,
    connections,
    threads: teamSize,
    clock,
    log,
  });
  const lag = new LagWatch(clock, metrics.eventLoopLag);
  let isShuttingDown = false;

  function inspectOf(mode: Config["validate"], validator?: Validator): Inspect | undefined {
    if (mode === "off") return undefined;
    if (validator === undefined) throw new TypeError("--validate needs a validator");
    const { invalidPayloads } = metrics;
    return createInspector({
      validator,
      mode,
      log,
      count: (direction, type) => invalidPayloads[direction][type].add(1),
    });
  }

  const inspect = inspectOf(config.validate, deps.validator);
  const taps = config.noTail ? undefined : new Taps(clock);
  const local = new LocalClients({
    inspect,
    taps,
    connections,
    backlog,
    clock,
    isShuttingDown: () => isShuttingDown,
    apiCallSeconds: metrics.apiCallSeconds,
    witness: deps.witness ?? noWitness,
    reportLost,
    tracing,
  });
  const bus = deps.createBus?.(local) ?? alone;

  const maker = createDenoSockets(log);
  const sockets = new Sockets(maker, clock, metrics.sockets);
  const connectionDeps: ConnectionDeps = {
    bus,
    inspect,
    sockets,
    isShuttingDown: () => isShuttingDown,
    connections,
    forwarder,
    backlog,
    limits: { ...config, maxQueueChars },
    clock,
    log,
    metrics,
    backendTimeoutText: durationText(config.backendTimeoutMs),
    callTimeoutText: durationText(config.callTimeoutMs),
    disconnectHook: config.disconnectHook,
    tracing,
  };
  const { connectRate } = config;
  const upgradeOptions = {
    ...config,
    connectRate: connectRate === undefined ? undefined : connectRate / teamSize,
  };
  const upgrade = createUpgrade(upgradeOptions, {
    maker,
    sockets,
    connect: (socket, identity) => connect(socket, identity, connectionDeps),
    connections,
    memory,
    isShuttingDown: () => isShuttingDown,
    forwarder,
    backlog,
    clock,
    random,
    metrics,
    log,
  });
  const facts = {
    version,
    deno: runtimeVersion(),
    startedAtSeconds: startedAt / 1000,
    workers: teamSize,
    maxConnections: config.maxConnections,
    maxWaiting: config.maxWaiting,
    maxMemoryBytes: config.maxMemoryBytes,
  };
  const clients = new Clients(local, bus);
  const status = new Status({
    clients,
    snapshot: () => snapshotOf(metrics, facts, processUsage(), clock.wallNow()),
    faults: deps.faults ?? new RecentFaults(clock),
    clock,
    log,
    needsToken: secrets.apiToken !== undefined,
    noTail: config.noTail,
    isShuttingDown: () => isShuttingDown,
  });
  const apiDeps = {
    clients,
    status,
    log,
    metrics,
    expose: () => expose(metricSet.samples(), facts, processUsage()),
    maxMessageBytes: config.maxMessageBytes,
    authorize: createAuthorize(
      secrets.apiToken,
      isLoopback((config.apiListen ?? config.listen).host),
    ),
    isShuttingDown: () => isShuttingDown,
    tracing,
  };

  /** A CALL was accepted here for a client elsewhere, and that instance has gone. */
  function reportLost(client: Client, call: CallNames): void {
    void postAlone(connectionDeps, client, lostReport(call, client.protocol));
  }

  function handle(
    request: Request,
    peer: string,
    serves: "clients" | "api" | "both",
  ): Response | Promise<Response> {
    const path = rawPath(request.url, request.headers.get("host"));
    if (path === undefined) {
      return problem(400, "the Host header or the path is not valid", NOT_SENT);
    }
    // With an upgrade any name is a ClientId; without one the API's names come first.
    const isForClients = serves === "clients" ||
      (serves === "both" && (isUpgrade(request) || isClientPath(request, path)));
    return isForClients ? upgrade(request, path, peer) : handleApi(request, path, apiDeps);
  }

  /** A GET on what may be a client's path is told to upgrade. */
  function isClientPath(request: Request, path: string): boolean {
    return request.method === "GET" && path.startsWith(config.wsPath) && !isApiPath(path) &&
      !path.slice(config.wsPath.length).includes("/");
  }

  const serves = config.apiListen === undefined ? "both" : "clients";
  const { maxConnections, tcpBacklog } = config;
  const isShared = teamSize > 1 || config.reusePort;
  const listenOptions = { tls: secrets.tls, tcpBacklog, isShared, maxConnections, log, clock };
  const listeners = [
    listen(config.listen, listenOptions, (request, peer) => handle(request, peer, serves)),
  ];
  if (config.apiListen !== undefined) {
    listeners.push(
      listen(config.apiListen, listenOptions, (request, peer) => handle(request, peer, "api")),
    );
  }

  memory.start();
  lag.start();

  async function reloadTls(pair: TlsPair): Promise<void> {
    await Promise.all(listeners.map((listener) => listener.reload(pair)));
  }

  async function shutdown(): Promise<void> {
    isShuttingDown = true;
    const since = clock.now();
    status.close();
    log.info("shutting down", { clients: connections.size, waiting: backlog.count });
    await drain(connections, config.drainTimeoutMs, { clock, random });
    // What ended just now still has to reach the backend.
    const isFlushed = await within(
      clock,
      backlog.whenEmpty(),
      Math.max(config.drainTimeoutMs, FAREWELL_MS),
    );
    if (!isFlushed) log.error("messages lost at the shutdown", { waiting: backlog.count });
    await allClosed(sockets, FAREWELL_MS, clock);
    await bus.close();
    // The last to open were closed just now, and the backend is told of that too.
    await within(clock, backlog.whenEmpty(), FAREWELL_MS);
    await Promise.all(listeners.map((listener) => listener.stop(FAREWELL_MS)));
    memory.stop();
    lag.stop();
    taps?.close();
    forwarder.close();
    log.info("shut down", { durationMs: Math.round(clock.now() - since) });
  }

  return { url: listeners[0]!.url, apiUrl: listeners[1]?.url, reloadTls, shutdown };
}

/** A duration as a person would write it. */
function durationText(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}
