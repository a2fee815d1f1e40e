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
import { deliver, followStore, learn } from "../../lib/cluster/takeover.ts";
import { createApiSide } from "../../lib/gateway/api_side.ts";
import { type ClientSide, createClientSide } from "../../lib/gateway/client_side.ts";
import { type Core, createCore } from "../../lib/gateway/core.ts";
import type { GatewayDeps } from "../../lib/gateway/deps.ts";
import { createRoute, type Route } from "../../lib/gateway/routing.ts";
import { shutDown } from "../../lib/gateway/shutdown.ts";
import { within } from "../../lib/clock.ts";
import type { Log, LogFields } from "../../lib/log/log.ts";
import { MemoryStore } from "../../lib/outbox/memory.ts";
import type { Found, Store } from "../../lib/outbox/store.ts";
import { randomUuid } from "../../lib/random.ts";
import type { HttpRequest } from "../../lib/request.ts";
import type { Status } from "../../lib/status/status.ts";
import type { SimulatedBackend } from "./backend.ts";
import type { Books } from "./books.ts";
import type { Chance } from "./chance.ts";
import type { SimulatedJetStream } from "./jetstream.ts";
import type { SimulatedLedger } from "./ledger.ts";
import { Life, LifeClock } from "./life.ts";
import { type Line, lineSockets } from "./line.ts";
import type { SimulatedConnection, SimulatedNats } from "./nats.ts";
import type { ReportNames } from "./report_book.ts";
import type { Sabotage } from "./sabotage.ts";
import { LedgerOutbox } from "./ledger_outbox.ts";
import { type SimulatedDisk, SimulatedStore } from "./store.ts";
import type { Timeline } from "./timeline.ts";
import type { Weather } from "./weather.ts";
import type { Trace } from "./trace.ts";

export interface InstanceDeps {
  readonly config: Config;
  readonly timeline: Timeline;
  readonly trace: Trace;
  readonly books: Books;
  readonly backend: SimulatedBackend;
  /** Undefined for an instance without others. */
  readonly nats: SimulatedNats | undefined;
  /** Undefined without an outbox. */
  readonly disk: SimulatedDisk | undefined;
  /** Where it is kept in place of a disk; undefined where it is not. */
  readonly jetStream: SimulatedJetStream | undefined;
  readonly weather: Weather;
  readonly sabotage: Sabotage;
  readonly skewMs: number;
  /** What it listens on, and nobody else as long as it lives; undefined when that cannot be said. */
  readonly port: string | undefined;
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
  "a question of another instance failed",
  "nats message not understood",
  "nats message not taken",
]);

/** Gauges that do not count anything which must be gone when all is over. */
const NO_COUNTS = new Set([
  "ws2api_event_loop_lag_seconds",
  "ws2api_nats_connected",
  "ws2api_nats_peers",
  "ws2api_nats_peers_silent",
  "ws2api_nats_round_trip_seconds",
]);

/** What the store may take at the end of a process. */
const STORE_CLOSE_MS = 450;
/** Why CALLs of an earlier process have no other outcome, as `lib/gateway/gateway.ts` has it. */
const RESTARTED = "the gateway was restarted";

/** A response of the API as it leaves. */
export interface ApiResponse {
  readonly status: number;
  readonly outcome: string | null;
  readonly body: string;
  readonly isReplay: boolean;
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
  readonly #store: Store;
  #connection: SimulatedConnection | undefined;
  readonly #disk: SimulatedStore | undefined;
  readonly #outbox: LedgerOutbox | undefined;
  /** That of the outbox's thread. */
  readonly #deskClock: LifeClock;
  /** It listens. */
  #isUp = false;
  #recovered = 0;
  #isShuttingDown = false;
  /** It stood still, so that it may be late. */
  wasFrozen = false;
  /** It has ended as it should. */
  hasLeft = false;

  constructor(name: string, deps: InstanceDeps) {
    const { timeline, trace, books, backend, nats, skewMs, chance, disk, weather, sabotage } = deps;
    const { jetStream } = deps;
    books.past.begins(name);
    const config = sabotage.config?.(deps.config) ?? deps.config;
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
    const storeDeps = { timeline, weather, chance: chance.fork(), life };
    this.#disk = disk === undefined ? undefined : new SimulatedStore(disk, storeDeps);
    this.#deskClock = new LifeClock(life, timeline, skewMs);
    this.#outbox = jetStream && new LedgerOutbox({
      ...{ life, timeline, jetStream, books, sabotage, chance: chance.fork(), log, clock },
      ...{ deskClock: this.#deskClock, port: deps.port },
    });
    const kept: Store = this.#disk ?? this.#outbox?.store ?? new MemoryStore();
    const store = sabotage.store?.(kept) ?? kept;
    const gatewayDeps: GatewayDeps = {
      log,
      version: "0.0.0-simulated",
      startedAt: 0,
      clock,
      random: chance,
      secrets: NO_SECRETS,
      store,
      createConnections: backend.wayOf(life, clock),
      look: backend.lookOf(life),
      createBus: nats && ((local, { time, metrics }) =>
        new NatsBus({
          prefix: config.natsSubject,
          peerId: randomUuid(chance),
          ...{ local, metrics, port: deps.port, time: sabotage.time?.(time) ?? time },
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
    this.#clientSide = createClientSide(config, this.#core, lineSockets, gatewayDeps);
    const { status, apiDeps } = createApiSide(
      ...[config, this.#core, this.#clientSide, gatewayDeps] as const,
      () => undefined,
    );
    this.#status = status;
    this.#route = createRoute(config.wsPath, this.#clientSide.upgrade, apiDeps);
    trace.note(`${name} starts`);
    this.#store = store;
    void store.recover().then((found) => this.life.isAlive && this.#listen(found));
  }

  /** As `startGateway` does it. */
  #listen(found: Found): void {
    const { trace } = this.#deps;
    const { calls, reports } = found;
    trace.note(`${this.name} listens, and has found ${calls.length} and ${reports.length}`);
    const heir = { ...this.#clientSide, deliveries: this.#core.deliveries };
    learn(heir, found, RESTARTED);
    this.#recovered = calls.length + reports.length;
    deliver(heir, found, RESTARTED);
    followStore(this.#store, heir);
    this.#isUp = true;
  }

  get isServing(): boolean {
    return this.life.isAlive && this.#isUp && !this.#isShuttingDown;
  }

  /** The process is no more. @returns Whether its store had written all. */
  died(): boolean {
    this.life.end();
    return this.#disk?.died() ?? this.#outbox?.isWritten ?? true;
  }

  /** Its connection to NATS, once there was one. */
  get nats(): SimulatedConnection | undefined {
    return this.#connection;
  }

  /** Its way to JetStream, where what it accepted is kept there. */
  get ledger(): SimulatedLedger | undefined {
    return this.#outbox?.ledger;
  }

  /** Somebody sets the machine's wall clock. */
  jump(ms: number): void {
    this.clock.jump(ms);
    this.#deskClock.jump(ms);
  }

  /** A client's request arrives. */
  connects(line: Line, clientId: string, protocol: string | null): void {
    this.life.deliver(() => {
      if (!this.#isUp) return line.answered(0);
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
    const { request: change, response: falsify } = this.#deps.sabotage;
    this.life.deliver(() => {
      if (!this.#isUp) {
        answered({ status: 0, outcome: "not-sent", body: "", isReplay: false });
        return;
      }
      const sent = httpRequest(method, path, body, change?.(headers) ?? headers);
      this.#serve(sent, (response) => {
        void response.text().then((text) => {
          const outcome = response.headers.get("ws2api-outcome");
          if (!this.life.acts("a response")) return;
          const isReplay = response.headers.has("idempotency-replayed");
          const told = { status: response.status, outcome, body: text, isReplay };
          answered(falsify?.(path, told) ?? told);
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
      // Its sockets are the simulation's, whose maker answers with a whole response.
      if (response instanceof Promise) {
        response.then((each) => answered(each as Response)).catch(failed);
      } else answered(response as Response);
    } catch (error) {
      failed(error);
    }
  }

  /**
   * SIGTERM. What follows is what the program does: the gateway shuts down, then the store is closed.
   *
   * @param isIdle Nobody is connected any more, so that nothing may be left.
   */
  shutDown(isIdle: boolean, onEnd: () => void): void {
    if (!this.isServing) return;
    this.#isShuttingDown = true;
    const { trace, config, timeline, books } = this.#deps;
    trace.note(`${this.name} shuts down`);
    books.past.leaves(this.name);
    this.life.deliver(() => {
      const running = {
        core: this.#core,
        clientSide: this.#clientSide,
        status: this.#status,
        listeners: [],
      };
      const begin = timeline.now;
      const end = async (): Promise<void> => {
        await shutDown(running, config.drainTimeoutMs);
        if (this.life.isAlive && isIdle) {
          for (const left of this.left(0)) books.fault(`${this.name} has left, and ${left}`);
        }
        if (this.#disk !== undefined) await within(this.clock, this.#disk.close(), STORE_CLOSE_MS);
        await this.#outbox?.close();
      };
      void end().then(() => {
        if (!this.life.isAlive) return;
        const late = timeline.now - begin - config.drainTimeoutMs;
        trace.note(`${this.name} has shut down, ${late} ms after its drain time-out`);
        this.#checkEnd(late);
        this.hasLeft = true;
        // The process ends now.
        timeline.after(0, () => {
          if (!this.life.isAlive) return;
          books.ended(this.name, this.died() ? "clean" : "unsynced");
          onEnd();
        });
      });
    });
  }

  #checkEnd(lateMs: number): void {
    const { books, trace } = this.#deps;
    const { waiting } = this.#core.deliveries;
    if (waiting > 0) trace.note(`${this.name} has ${waiting} undelivered reports`);
    if (waiting > 0 && this.#disk === undefined && this.#outbox === undefined) {
      books.past.lost(this.name);
    }
    if (lateMs > MAX_SHUTDOWN_MS && !this.wasFrozen) {
      books.fault(`${this.name} shut down ${lateMs} ms after its drain time-out`);
    }
  }

  /** What is left in memory, and should not be. @param timers That may run. */
  left(timers: number): string[] {
    const found: string[] = [];
    const { metricSet, backlog, connections } = this.#core;
    const { sockets } = this.#clientSide;
    if (backlog.count !== 0) found.push(`${backlog.count} messages wait`);
    if (connections.size !== 0) found.push(`${connections.size} clients are connected`);
    if (sockets.count !== 0) found.push(`${sockets.count} sockets are held`);
    if (this.clock.timers > timers) found.push(`${this.clock.timers} timers run`);
    // It takes longer than all of that.
    if (found.length > 0) return found;
    for (const { name, type, samples } of metricSet.samples()) {
      if (type !== "gauge" || NO_COUNTS.has(name)) continue;
      for (const { value } of samples) if (value !== 0) found.push(`${name} is ${value}`);
    }
    return found;
  }

  /** What is more than may be at any time. */
  get excess(): string | undefined {
    const { config } = this.#deps;
    const { backlog, connections, metrics } = this.#core;
    const { sum: places } = metrics.outboxPlaces;
    const { wasRetried } = this.#deps.books.reports;
    if (
      this.#deps.nats === undefined && !wasRetried && places > config.maxReports + this.#recovered
    ) {
      return `${places} places are taken, of ${config.maxReports}`;
    }
    if (metrics.slotsTaken.own > config.backendConnections) return "too many slots are taken";
    if (backlog.count > config.maxWaiting) return `${backlog.count} messages wait`;
    // CALLs, CALLs to it, and reports: what waits and one that is under way, of each; and what was found.
    const most = 4 * config.maxQueue + config.callConcurrency + 4 + this.#recovered +
      (this.#outbox?.inherited ?? 0) + LATE_REPORTS;
    for (const connection of connections.all()) {
      const { waiting } = connection.state;
      if (waiting > most) return `${waiting} messages of ${connection.clientId} wait`;
    }
    return undefined;
  }

  /** Others that it knows, also those of which it has not heard for a while. */
  get knownPeers(): number {
    const { natsPeers, natsPeersSilent } = this.#core.metrics;
    return natsPeers.own + natsPeersSilent.own;
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
      const names = fields as unknown as ReportNames;
      if (event === "report parked") books.reports.parked(this.name, names);
      if (event === "parked report forgotten") books.reports.forgotten(this.name, names);
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

/** Those of earlier connections. */
const LATE_REPORTS = 100;
/** A shutdown, of the gateway and its store, takes no longer beyond the drain time-out. */
const MAX_SHUTDOWN_MS = 1700;

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
