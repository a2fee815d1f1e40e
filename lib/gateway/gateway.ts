/**
 * The composition root: builds the parts, listens, and shuts down.
 *
 * @module
 */

import { deliver, followStore, learn } from "../cluster/takeover.ts";
import { validityOf } from "../config/certificate.ts";
import type { Config } from "../config/config.ts";
import type { Changes } from "../config/live.ts";
import { isLoopback } from "../config/place.ts";
import type { TlsPair } from "../config/secret.ts";
import type { Token } from "../config/token.ts";
import { NOTHING_FOUND } from "../outbox/outbox.ts";
import { RESTARTED } from "../report/report.ts";
import { createSockets } from "../socket/maker.ts";
import { createBrowserGuard } from "../door/browser.ts";
import { listen, type Listener } from "../listener/listener.ts";
import { createApiSide } from "./api_side.ts";
import { createClientSide } from "./client_side.ts";
import { createCore } from "./core.ts";
import type { GatewayDeps } from "./deps.ts";
import { createRoute, type Serves } from "./routing.ts";
import { shutDown } from "./shutdown.ts";
import type { ShutdownOrder } from "./shutdown_times.ts";

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
  /** Forgets what the connect hook's answers said may be remembered: each client is asked about anew. */
  forgetVerdicts(): void;
  /**
   * Takes other tokens in place of those of the file, for requests from now on; who looks at the
   * status page has to show a token again.
   */
  reloadTokens(tokens: readonly Token[]): Promise<void>;
  /** Heeds other limits, keys or another token from now on. @returns When none heeds the older ones. */
  change(changes: Changes): Promise<void>;
  /**
   * Refuses new work, finishes what is under way within the drain time-out, ends the CALLs still
   * outstanding, closes all clients with 1001 and stops listening. Once only; never rejects, and takes
   * little more than a second beyond that time-out.
   */
  shutdown(order?: ShutdownOrder): Promise<void>;
  /** Reports that the backend has not taken. */
  undelivered(): number;
}

/** Connections beside those of clients, while there are as many as there may be. */
const HTTP_ROOM = 50;

/**
 * Starts a gateway.
 *
 * @returns Rejects with `Deno.errors.AddrInUse` and what else there is when it cannot listen.
 */
export async function startGateway(config: Config, deps: GatewayDeps): Promise<Gateway> {
  let isShuttingDown = false;
  const core = createCore(config, deps, () => isShuttingDown);
  const maker = deps.sockets ?? await createSockets(config, deps.clock, deps.log);
  const clientSide = createClientSide(config, core, maker, deps);
  const { tls } = deps.secrets;
  let certificate = tls && validityOf(tls.cert);
  const { status, authority, apiDeps } = createApiSide(
    ...[config, core, clientSide, deps] as const,
    () => certificate?.notAfter,
  );
  const route = createRoute(config.wsPath, clientSide.upgrade, apiDeps);

  // Before anybody asks for it. Of several threads the main one does it.
  const found = core.teamSize === 1 ? await deps.store.recover() : NOTHING_FOUND;
  const heir = { ...clientSide, deliveries: core.deliveries };
  learn(heir, found, RESTARTED);

  const { listen: address, apiListen, tcpBacklog } = config;
  const isShared = core.teamSize > 1 || config.reusePort;
  const { log, metrics, clock, deliveries } = core;
  // Each thread knows its own alone.
  const hasRoom = (count: number): boolean =>
    clientSide.sockets.total + count * core.teamSize < core.limits.maxConnections + HTTP_ROOM;
  const { websocket } = config;
  const listenOptions = { websocket, tcpBacklog, isShared, hasRoom, log, metrics, clock };
  const places: [typeof address, Serves][] = apiListen === undefined
    ? [[address, "both"]]
    : [[address, "clients"], [apiListen, "api"]];
  const listeners: Listener[] = [];
  try {
    const { needsToken: hasToken } = authority;
    const { allowOrigins } = config;
    for (const [place, serves] of places) {
      const guard = createBrowserGuard({ isLocal: isLoopback(place.host), hasToken, allowOrigins });
      listeners.push(
        await listen(
          place,
          { ...listenOptions, tls: tls && pairFor(serves, tls) },
          (request, peer) => route(request, peer, { serves, guard, isTls: tls !== undefined }),
        ),
      );
    }
  } catch (error) {
    for (const listener of listeners) await listener.stop(0);
    throw error;
  }

  deliver(heir, found, RESTARTED);
  followStore(deps.store, heir);
  core.memory.start(clientSide.sockets);
  core.lag.start();
  core.historyWatch?.start();

  return {
    url: listeners[0]!.url,
    apiUrl: listeners[1]?.url,
    // deno-lint-ignore require-await -- workers are told of it, and a pair that is bad rejects.
    async reloadTls(pair) {
      for (const [k, [, serves]] of places.entries()) listeners[k]!.reload(pairFor(serves, pair));
      certificate = validityOf(pair.cert);
    },
    forgetVerdicts() {
      clientSide.verdicts.forget(null);
    },
    reloadTokens(tokens) {
      authority.replace(tokens);
      // They were opened by tokens that may have gone.
      status.close();
      return Promise.resolve();
    },
    change({ limits, signKeys, apiToken }) {
      if (limits !== undefined) {
        core.limits.change(limits);
        clientSide.changeRate();
      }
      if (signKeys !== undefined) core.changeSignKeys(signKeys);
      if (apiToken !== undefined) {
        authority.replaceOwn(apiToken);
        status.close();
      }
      return Promise.resolve();
    },
    async shutdown(order) {
      isShuttingDown = true;
      await shutDown({ core, clientSide, status, listeners }, config.drainTimeoutMs, order);
    },
    undelivered: () => deliveries.waiting,
  };
}

/** Who uses the API alone is asked for no certificate. */
function pairFor(serves: Serves, pair: TlsPair): TlsPair {
  return serves === "api" ? { ...pair, clients: undefined } : pair;
}
