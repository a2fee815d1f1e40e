/**
 * The real gateway as a simulated process: all that `lib/gateway` builds, but for listeners, on edges
 * that are simulated.
 *
 * @module
 */

import type { Config } from "../../lib/config/config.ts";
import { NO_SECRETS } from "../../lib/config/secret.ts";
import { NatsBus } from "../../lib/cluster/nats/bus.ts";
import { createBrowserGuard } from "../../lib/door/browser.ts";
import { createApiSide } from "../../lib/gateway/api_side.ts";
import { type ClientSide, createClientSide } from "../../lib/gateway/client_side.ts";
import { type Core, createCore } from "../../lib/gateway/core.ts";
import type { GatewayDeps } from "../../lib/gateway/deps.ts";
import { createRoute, type Route } from "../../lib/gateway/routing.ts";
import { shutDown } from "../../lib/gateway/shutdown.ts";
import type { Log, LogFields } from "../../lib/log/log.ts";
import { randomUuid } from "../../lib/random.ts";
import type { HttpRequest } from "../../lib/request.ts";
import type { Status } from "../../lib/status/status.ts";
import type { SimulatedBackend } from "./backend.ts";
import type { Books } from "./books.ts";
import type { Chance } from "./chance.ts";
import { Life, LifeClock } from "./life.ts";
import { type Line, lineSockets } from "./line.ts";
import type { SimulatedConnection, SimulatedNats } from "./nats.ts";
import type { Timeline } from "./timeline.ts";
import type { Trace } from "./trace.ts";

export interface InstanceDeps {
  readonly config: Config;
  readonly timeline: Timeline;
  readonly trace: Trace;
  readonly books: Books;
  readonly backend: SimulatedBackend;
  /** Undefined for an instance without others. */
  readonly nats: SimulatedNats | undefined;
  readonly skewMs: number;
  /** Its own random numbers. */
  readonly chance: Chance;
}

/** What the log says only when the gateway has a fault of its own. */
const BUGS = new Set([
  "a CALL failed",
  "a report failed",
  "a request failed",
  "a request of another instance failed",
  "an instance's debts failed",
  "nats message not understood",
  "nats message not taken",
]);

/** Gauges that do not count anything which must be gone when all is over. */
const NO_COUNTS = new Set(["ws2api_breaker_open", "ws2api_event_loop_lag_seconds"]);

/** A response of the API as it leaves. */
export interface ApiResponse {
  readonly status: number;
  readonly outcome: string | null;
  readonly body: string;
}

const ENTRANCE = {
  serves: "both",
  guard: createBrowserGuard({ isLocal: true, hasToken: false, allowOrigins: [] }),
  isTls: false,
} as const;

export class Instance {
  readonly name: string;
  readonly life: Life;
  readonly clock: LifeClock;
  readonly #deps: InstanceDeps;
  readonly #core: Core;
  readonly #clientSide: ClientSide;
  readonly #status: Status;
  readonly #route: Route;
  #connection: SimulatedConnection | undefined;
  #isShuttingDown = false;
  /** It has ended as it should. */
  hasLeft = false;

  constructor(name: string, deps: InstanceDeps) {
    const { config, timeline, trace, books, backend, nats, skewMs, chance } = deps;
    this.name = name;
    this.#deps = deps;
    const life = new Life(
      name,
      timeline,
      (act) => books.fault(`${name} is dead, and does: ${act}`),
    );
    const clock = new LifeClock(life, timeline, skewMs);
    this.life = life;
    this.clock = clock;
    const log = this.#log();
    const gatewayDeps: GatewayDeps = {
      log,
      version: "0.0.0-simulated",
      startedAt: 0,
      clock,
      random: chance,
      secrets: NO_SECRETS,
      sockets: lineSockets,
      createConnections: backend.wayOf(life, clock),
      createBus: nats && ((local) =>
        new NatsBus({
          prefix: config.natsSubject,
          peerId: randomUuid(chance),
          local,
          maxMessageBytes: config.maxMessageBytes,
          connect: async () => {
            const connection = await nats.connect(life, clock);
            this.#connection = connection as unknown as SimulatedConnection;
            return connection;
          },
          clock,
          log,
        })),
    };
    this.#core = createCore(config, gatewayDeps, () => this.#isShuttingDown);
    this.#clientSide = createClientSide(config, this.#core, gatewayDeps);
    const { status, apiDeps } = createApiSide(config, this.#core, this.#clientSide, gatewayDeps);
    this.#status = status;
    this.#route = createRoute(config.wsPath, this.#clientSide.upgrade, apiDeps);
    trace.note(`${name} starts`);
  }

  get isServing(): boolean {
    return this.life.isAlive && !this.#isShuttingDown;
  }

  /** Its connection to NATS, once there was one. */
  get nats(): SimulatedConnection | undefined {
    return this.#connection;
  }

  /** A client's request arrives. */
  connects(line: Line, clientId: string, protocol: string | null): void {
    this.life.deliver(() => {
      const request = httpRequest("GET", `/${clientId}`, null, {
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        ...(protocol === null ? {} : { "sec-websocket-protocol": protocol }),
      }, line);
      this.#serve(request, (response) => line.answered(response.status));
    });
  }

  /** A request to the API arrives. */
  asks(
    method: string,
    path: string,
    headers: Record<string, string>,
    body: string | null,
    answered: (response: ApiResponse) => void,
  ): void {
    this.life.deliver(() => {
      this.#serve(httpRequest(method, path, body, headers), (response) => {
        void response.text().then((text) => {
          const outcome = response.headers.get("ws2api-outcome");
          if (this.life.acts("a response")) {
            answered({ status: response.status, outcome, body: text });
          }
        });
      });
    });
  }

  #serve(request: HttpRequest, answered: (response: Response) => void): void {
    const failed = (error: unknown): void => {
      this.#deps.books.fault(`${this.name} fails to answer ${request.url}: ${String(error)}`);
    };
    try {
      const response = this.#route(request, "127.0.0.1", ENTRANCE);
      if (response instanceof Response) answered(response);
      else response.then(answered).catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  /** SIGTERM. @param isIdle Nobody is connected any more, so that nothing may be left. */
  shutDown(isIdle = false): void {
    if (!this.isServing) return;
    this.#isShuttingDown = true;
    const { trace, config, timeline, books } = this.#deps;
    trace.note(`${this.name} shuts down`);
    this.life.deliver(() => {
      const running = {
        core: this.#core,
        clientSide: this.#clientSide,
        status: this.#status,
        listeners: [],
      };
      void shutDown(running, config.drainTimeoutMs).then(() => {
        if (!this.life.isAlive) return;
        this.hasLeft = true;
        if (isIdle) {
          for (const left of this.left(0)) books.fault(`${this.name} has left, and ${left}`);
        }
        books.left(this.name);
        trace.note(`${this.name} has shut down`);
        // The process ends now.
        timeline.after(0, () => this.life.end());
      });
    });
  }

  /** What is left in memory, and should not be. @param timers That may run. */
  left(timers: number): string[] {
    const found: string[] = [];
    const { metricSet, backlog, connections } = this.#core;
    const { sockets } = this.#clientSide;
    for (const { name, type, samples } of metricSet.samples()) {
      if (type !== "gauge" || NO_COUNTS.has(name)) continue;
      for (const { value } of samples) if (value !== 0) found.push(`${name} is ${value}`);
    }
    if (backlog.count !== 0) found.push(`${backlog.count} messages wait`);
    if (connections.size !== 0) found.push(`${connections.size} clients are connected`);
    if (sockets.count !== 0) found.push(`${sockets.count} sockets are held`);
    if (this.clock.timers > timers) found.push(`${this.clock.timers} timers run`);
    return found;
  }

  /** What is more than may be at any time. */
  get excess(): string | undefined {
    const { config } = this.#deps;
    const { backlog, connections, metrics } = this.#core;
    if (metrics.slotsTaken.own > config.backendConnections) return "too many slots are taken";
    // Reports of CALLs that were accepted are taken beyond the bound.
    const reports = connections.size * (2 * config.maxQueue + config.callConcurrency + 2);
    if (backlog.count - backlog.disconnects > config.maxWaiting + reports + LATE_REPORTS) {
      return `${backlog.count} messages wait`;
    }
    // CALLs, CALLs to it, and reports: what waits and one that is under way, of each.
    const most = 4 * config.maxQueue + config.callConcurrency + 4;
    for (const connection of connections.all()) {
      const { waiting } = connection.state;
      if (waiting > most) return `${waiting} messages of ${connection.clientId} wait`;
    }
    return undefined;
  }

  /** The ids of those who are connected here, as the checks at the end compare them. */
  get clientIds(): string[] {
    return this.#core.connections.all().map(({ clientId }) => clientId);
  }

  #log(): Log {
    const { trace, books } = this.#deps;
    const say = (level: string, event: string, fields: LogFields = {}): void => {
      trace.note(`${this.name} ${level} ${event} ${JSON.stringify(fields)}`);
      if (BUGS.has(event)) books.fault(`${this.name} says: ${event} ${JSON.stringify(fields)}`);
      if (event === "messages lost at the shutdown") books.lost(this.name);
    };
    return {
      isDebug: false,
      debug() {},
      info() {},
      audit() {},
      warn: (event, fields) => this.life.isAlive && say("warns", event, fields),
      error: (event, fields) => this.life.isAlive && say("errs", event, fields),
    };
  }
}

/** Those of connections that have gone. */
const LATE_REPORTS = 200;

const encoder = new TextEncoder();

function httpRequest(
  method: string,
  path: string,
  body: string | null,
  headers: Readonly<Record<string, string>>,
  line?: Line,
): HttpRequest {
  const all: Readonly<Record<string, string>> = { host: "localhost", ...headers };
  return {
    method,
    url: `http://localhost${path}`,
    headers: { get: (name) => all[name] ?? null, has: (name) => name in all },
    body: body === null ? null : bytesOf(body),
    ...(line === undefined ? {} : { upgrade: line.handle }),
  };
}

async function* bytesOf(body: string): AsyncGenerator<Uint8Array> {
  yield encoder.encode(body);
}
