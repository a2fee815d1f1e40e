/**
 * The gateway's core, wired as `gateway.ts` does, without network and real time; and a client's
 * connection as it is seen from outside: its socket, and the books on what is owed for it.
 *
 * @module
 */

import { BodyRoom } from "../../../lib/api/body.ts";
import { setImmediate } from "node:timers";
import { handleCall } from "../../../lib/api/call.ts";
import { alone, noWitness } from "../../../lib/cluster/alone.ts";
import { Clients } from "../../../lib/cluster/clients.ts";
import { LocalClients } from "../../../lib/cluster/local.ts";
import { Backlog } from "../../../lib/queue/backlog.ts";
import { connect } from "../../../lib/client/connect.ts";
import type {
  Connection,
  ConnectionDeps,
  ConnectionLimits,
} from "../../../lib/client/connection.ts";
import { ConnectionMap } from "../../../lib/client/map.ts";
import { HeldBack } from "../../../lib/client/held_back.ts";
import { RecentEnds } from "../../../lib/client/recent_ends.ts";
import type { Socket } from "../../../lib/socket/socket.ts";
import { Sockets } from "../../../lib/socket/sockets.ts";
import { Hold } from "../../../lib/forwarder/hold.ts";
import { BackendReach } from "../../../lib/forwarder/reach.ts";
import { Retries } from "../../../lib/forwarder/retry.ts";
import { Slots } from "../../../lib/forwarder/slots.ts";
import { MemoryStore } from "../../../lib/outbox/memory.ts";
import { createDeliveries } from "../../../lib/report/create.ts";
import type { Deliveries } from "../../../lib/report/deliveries.ts";
import { MetricSet } from "../../../lib/metrics/metrics.ts";
import { silentLog } from "../../../lib/log/log.ts";
import type { Random } from "../../../lib/random.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { type BackendRules, ScriptedBackend } from "./backend.ts";
import { asked, innermost } from "../../support/layers.ts";
import { knowingNothing } from "../../support/retention.ts";

export interface CoreConfig extends BackendRules, ConnectionLimits {
  /** Messages in all lanes from which on new CALLs are refused. */
  readonly maxWaiting: number;
  /** `maxWaiting` is so small that what departed clients left waiting is always dropped. */
  readonly isPressed: boolean;
  readonly disconnectHook: boolean;
  readonly protocol: string | null;
}

/** Room enough, and a backend that makes no faults: for tests of something else. */
export const FAULTLESS: Omit<CoreConfig, "protocol"> = {
  callTimeoutMs: 3000,
  callConcurrency: 1,
  maxQueue: 10,
  maxMessageBytes: 1024 ** 2,
  maxBufferedBytes: 1024 ** 2,
  maxQueueChars: Infinity,
  maxWaiting: 10_000,
  isPressed: false,
  retries: 0,
  slots: 100,
  maxSlotWaitMs: 2000,
  holdMs: 2000,
  isAway: false,
  disconnectHook: false,
};

/** What a test needs of a response. */
export interface ApiResponse {
  readonly status: number;
  readonly outcome: string | null;
  readonly applied: string | null;
  readonly body: string;
}

/**
 * The gateway's end of a WebSocket without a network: it records, and its events come from the test.
 */
export class FakeSocket extends EventTarget implements Socket {
  /** What was sent, in order; what was lost in a broken socket too, for its sender cannot know. */
  readonly frames: string[] = [];
  state: "opening" | "open" | "closing" | "closed" = "opening";
  /** `send` throws: the peer has gone, and the close event is on its way. */
  isBroken = false;
  bufferedAmount = 0;
  /** The gateway's close frame. */
  closedWith: { readonly code: number; readonly reason: string } | undefined;
  wasCut = false;
  /** Sends after the end: there must be none. */
  lateSends = 0;

  send(text: string): void {
    if (this.state !== "open") this.lateSends++;
    else this.frames.push(text);
    if (this.state !== "open" || this.isBroken) throw new DOMException("", "InvalidStateError");
  }

  close(code: number, reason: string): void {
    this.closedWith = { code, reason };
    this.state = "closing";
  }

  /** The gateway gives the socket up; the close event comes a little later. */
  cut(): void {
    this.wasCut = true;
    queueMicrotask(() => this.end(1006, "", false));
  }

  /** The handshake is complete. */
  open(): void {
    this.state = "open";
    this.dispatchEvent(new Event("open"));
  }

  /** The client sends. */
  receive(text: string): void {
    this.dispatchEvent(new MessageEvent("message", { data: text }));
  }

  /** The socket has ended. */
  end(code: number, reason: string, wasClean: boolean): void {
    this.state = "closed";
    this.dispatchEvent(new CloseEvent("close", { code, reason, wasClean }));
  }
}

/** One that can be held: what the client sends meanwhile waits. */
export class HoldingSocket extends FakeSocket {
  isHeld = false;
  /** How often it was held. */
  holds = 0;
  /** What came while it was held. */
  readonly unread: string[] = [];
  #isReading = false;

  hold(): void {
    if (this.state === "closed" || this.isHeld) return;
    this.isHeld = true;
    this.holds++;
  }

  release(): void {
    this.isHeld = false;
    // What it delivers may have it held and let go again.
    if (this.#isReading) return;
    this.#isReading = true;
    while (!this.isHeld && this.state !== "closed" && this.unread.length > 0) {
      super.receive(this.unread.shift()!);
    }
    this.#isReading = false;
  }

  override close(code: number, reason: string): void {
    super.close(code, reason);
    // The client's own close frame is behind what it sent.
    this.release();
  }

  /** Breaks: what it had read comes before that. */
  override end(code: number, reason: string, wasClean: boolean): void {
    for (const text of this.unread.splice(0)) super.receive(text);
    super.end(code, reason, wasClean);
  }

  override receive(text: string): void {
    this.unread.push(text);
    if (!this.isHeld) this.release();
  }
}

export class Core {
  readonly clock: FakeClock;
  readonly connections = new ConnectionMap<Connection>();
  readonly backlog: Backlog;
  readonly deliveries: Deliveries;
  readonly ids: { next(): string };
  readonly sockets: Sockets;
  readonly backend: ScriptedBackend;
  readonly reach: BackendReach;
  readonly hold: Hold;
  readonly slots: Slots;
  readonly #clients: Clients;
  /** What each connection gets. */
  readonly deps: ConnectionDeps;
  readonly #protocol: string | null;

  private constructor(
    config: CoreConfig,
    reach: BackendReach,
    clock: FakeClock,
    random: Pick<Random, "fraction">,
  ) {
    this.clock = clock;
    this.reach = reach;
    this.#protocol = config.protocol;
    this.backend = new ScriptedBackend(config, clock);
    const { metrics } = new MetricSet(["ocpp1.6"]);
    const gauges = {
      count: metrics.waiting,
      chars: metrics.waitingChars,
    };
    this.backlog = new Backlog(config.maxWaiting, Infinity, gauges);
    const cut = (socket: object): void => (socket as FakeSocket).cut();
    this.sockets = new Sockets({ cut, opened() {}, closed() {} }, clock);
    this.slots = new Slots(reach.counting(innermost(this.backend.innermost)), {
      max: config.slots,
      maxWaitMs: config.maxSlotWaitMs,
      clock,
    });
    const retried = new Retries(this.slots, {
      retries: config.retries,
      clock,
      random: () => random.fraction(),
      onRetry: () => {},
    });
    this.hold = new Hold(retried, { reach, holdMs: config.holdMs, clock });
    const forwarder = this.backend.outermost(asked(this.hold));
    let made = 0;
    this.ids = { next: () => `report-${String(++made).padStart(9, "0")}` };
    const { ids } = this;
    this.deliveries = createDeliveries({
      ...config,
      backendConnections: config.slots,
      maxReports: 100_000,
      reportTtlMs: 72 * 3_600_000,
    }, {
      ...{ forwarder, ids, clock, random, log: silentLog, metrics },
      store: new MemoryStore(),
    });
    const { deliveries } = this;
    reach.onReachable(() => deliveries.reachable());
    const ends = new RecentEnds(clock);
    const local = new LocalClients({
      ...{ deliveries, ids, ends },
      apiCallSeconds: metrics.apiCallSeconds,
      connections: this.connections,
      backlog: this.backlog,
      clock,
      isShuttingDown: () => false,
      witness: noWitness,
      ...knowingNothing(clock),
    });
    this.#clients = new Clients(local, alone);
    this.deps = {
      bus: alone,
      ends,
      sockets: this.sockets,
      isShuttingDown: () => false,
      connections: this.connections,
      forwarder,
      backlog: this.backlog,
      heldBack: new HeldBack({
        backlog: this.backlog,
        isShuttingDown: () => false,
        clock,
        log: silentLog,
        held: metrics.clientsHeld,
        maxKeptChars: config.maxQueueChars,
      }),
      deliveries,
      limits: config,
      clock,
      log: silentLog,
      metrics,
      backendTimeoutText: "30s",
      callTimeoutText: `${config.callTimeoutMs / 1000}s`,
      disconnectHook: config.disconnectHook,
    };
  }

  /** @param random Without it retries come as early as they may. */
  static start(
    config: CoreConfig,
    random: Pick<Random, "fraction"> = { fraction: () => 0 },
  ): Promise<Core> {
    const clock = new FakeClock();
    const reach: BackendReach = new BackendReach({
      clock,
      look: () => Promise.resolve(core.backend.isAnswering ? "answered" : "connected"),
    });
    if (config.isAway) reach.declareAway("unreachable");
    const core: Core = new Core(config, reach, clock, random);
    return Promise.resolve(core);
  }

  /** An upgrade that was accepted. */
  connect(socket: FakeSocket, clientId: string, connectionId: string): void {
    const remoteAddress = "127.0.0.1";
    const identity = { clientId, connectionId, protocol: this.#protocol, remoteAddress };
    connect(socket, { ...identity, connectedAt: 0 }, this.deps);
  }

  /** `POST /call/…` */
  async call(
    segments: readonly string[],
    payload: string,
    seconds: number | undefined,
  ): Promise<ApiResponse> {
    const request = new Request(`http://gateway/call/${segments.join("/")}`, {
      method: "POST",
      body: payload,
      headers: seconds === undefined ? {} : { prefer: `wait=${seconds}` },
    });
    const response = await handleCall(request, segments, {
      bodies: new BodyRoom(1e6),
      isShuttingDown: () => false,
      ids: this.ids,
      clients: this.#clients,
      keys: knowingNothing(this.deps.clock).keys,
      maxMessageBytes: this.deps.limits.maxMessageBytes,
    }, { name: "backend", sha256: "", role: "command" });
    return {
      status: response.status,
      outcome: response.headers.get("ws2api-outcome"),
      applied: response.headers.get("preference-applied"),
      body: await response.text(),
    };
  }
}

/** Lets everything happen that waits for nothing but promises: one turn of the event loop. */
export function quiesce(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** A response as far as it is foreseen. */
export interface Foreseen {
  readonly status: number;
  readonly outcome: "queued" | "not-sent" | "sent" | "answered";
  /** "sent" is right as well. */
  readonly orSent?: boolean;
  readonly body: string | RegExp;
}

/** One `POST /call/…`, refused ones included. */
export interface ApiCall {
  readonly action: string;
  readonly clientId: string;
  readonly messageId: string;
  readonly payload: string;
  readonly seconds: number | undefined;
  readonly deadline: number;
  /** When it was written to the client. */
  sentAt: number | undefined;
  foreseen: Foreseen | undefined;
  response: ApiResponse | undefined;
}

/** A request that the backend is owed. */
export interface Post {
  readonly path: string;
  readonly body: string | RegExp;
  readonly messageId: string;
}

/** How a connection ended. */
export interface End {
  readonly code: number;
  readonly reason: string;
  /** Said to the backend about each CALL that was not answered. */
  readonly why: RegExp;
  readonly by: "client" | "gateway" | "cut";
}

/** What the backend is owed of one client beside its CALLs, and how much of it is done. */
export interface ReportBook {
  readonly posts: Post[];
  done: number;
}

/** One connection and what is owed for it. */
export class ConnectionModel {
  /** While it is open. */
  real!: Connection;
  state: "opening" | "open" | "ended" = "opening";
  end: End | undefined;
  endedAt = 0;
  /** Until when frames of the client that led nowhere are counted. */
  countedUntil = 0;
  isDraining = false;
  /** Accepted CALLs to the client that are not over, in the order of acceptance. */
  live: ApiCall[] = [];
  /** Owed to the backend: the client's CALLs, … */
  readonly posts: { calls: Post[] } = { calls: [] };
  /** … deliveries of which are done, … */
  readonly done = { calls: 0 };
  /** … and outcomes and disconnects, over all connections of the client. */
  reports: ReportBook = { posts: [], done: 0 };
  /** CALLRESULTs that an ocpp2.1 client may still refuse, the latest last. */
  results: { readonly messageId: string; readonly action: string; readonly until: number }[] = [];
  /** Owed to the client: how each frame that is no CALL must begin. */
  readonly answers: string[] = [];
  answersSeen = 0;
  framesSeen = 0;

  constructor(readonly clientId: string, readonly id: string, readonly socket: FakeSocket) {}

  get outstanding(): ApiCall[] {
    return this.live.filter(({ sentAt }) => sentAt !== undefined);
  }

  get queued(): ApiCall[] {
    return this.live.filter(({ sentAt }) => sentAt === undefined);
  }

  get owedCalls(): number {
    return this.posts.calls.length - this.done.calls;
  }

  get owedReports(): number {
    return this.reports.posts.length - this.reports.done;
  }

  get isIdle(): boolean {
    return this.live.length + this.owedCalls === 0;
  }
}
