/**
 * The side of the backend and of operators: the API, the status page, the metrics.
 *
 * @module
 */

import type { ApiDeps } from "../api/resource.ts";
import { BodyRoom } from "../api/body.ts";
import { Authority } from "../api/authorize.ts";
import type { Config } from "../config/config.ts";
import { RecentFaults } from "../log/recent_faults.ts";
import { expose } from "../metrics/exposition.ts";
import { processUsage, runtimeVersion } from "../metrics/process.ts";
import { snapshotOf } from "../status/snapshot.ts";
import { Status } from "../status/status.ts";
import type { ClientSide } from "./client_side.ts";
import type { Core } from "./core.ts";
import type { GatewayDeps } from "./deps.ts";

export interface ApiSide {
  readonly status: Status;
  readonly authority: Authority;
  readonly apiDeps: ApiDeps;
}

/** So many bodies of full size may come in at once. */
const BODIES_OF_FULL_SIZE = 16;
/** Those that are only checked. */
const CHECKED_BODIES_OF_FULL_SIZE = 2;

/**
 * Builds it.
 *
 * @param certificateEndsAt In milliseconds since 1970; undefined without TLS.
 */
export function createApiSide(
  config: Config,
  core: Core,
  { clients, recordings, keys }: Pick<ClientSide, "clients" | "recordings" | "keys">,
  { secrets, version, startedAt, instance, faults }: Pick<
    GatewayDeps,
    "secrets" | "version" | "startedAt" | "instance" | "faults"
  >,
  certificateEndsAt: () => number | undefined,
): ApiSide {
  const { clock, log, metrics, metricSet, isShuttingDown, tracing, limits } = core;
  const facts = {
    version,
    deno: runtimeVersion(),
    startedAtSeconds: startedAt / 1000,
    instance,
    workers: core.teamSize,
    get maxConnections() {
      return limits.maxConnections;
    },
    maxWaiting: config.maxWaiting,
    maxBackendConnections: core.teamSize * config.backendConnections,
    maxReports: config.maxReports,
    get maxMemoryBytes() {
      return limits.maxMemoryBytes;
    },
    certificateEndsAt,
  };
  const authority = new Authority(secrets.apiToken, secrets.tokens);
  const status = new Status({
    clients,
    snapshot: () => snapshotOf(metrics, facts, processUsage(), clock.wallNow()),
    faults: faults ?? new RecentFaults(clock),
    departures: core.departures,
    history: core.history,
    // The same number as in a snapshot, to the last digit.
    startedAt: 1000 * facts.startedAtSeconds,
    instance,
    clock,
    log,
    needsToken: authority.needsToken,
    clientsAt: {
      port: config.apiListen === undefined ? null : config.listen.port,
      path: config.wsPath,
    },
    noTail: config.noTail,
    isShuttingDown,
    allowedActions: new Set(config.allowActions),
    maxMessageBytes: config.maxMessageBytes,
    checkedBodies: new BodyRoom(CHECKED_BODIES_OF_FULL_SIZE * config.maxMessageBytes),
  });
  const apiDeps = {
    clients,
    keys,
    // Whoever may not look may not record either.
    recordings: config.noTail ? undefined : recordings,
    status,
    clock,
    log,
    metrics,
    expose: () => expose(metricSet.samples(), facts, processUsage(), clock.wallNow()),
    maxMessageBytes: config.maxMessageBytes,
    bodies: new BodyRoom(BODIES_OF_FULL_SIZE * config.maxMessageBytes),
    authorize: authority.authorize,
    allowOrigins: config.allowOrigins,
    isShuttingDown,
    ids: core.ids,
    tracing,
  };
  return { status, authority, apiDeps };
}
