/**
 * A client's connection without a network, and a backend that answers when a test says so.
 *
 * @module
 */

import { connect } from "../../lib/client/connect.ts";
import type { ConnectionDeps, ConnectionLimits } from "../../lib/client/connection.ts";
import type {
  BackendReply,
  BackendRequest,
  Forwarder,
  Requester,
} from "../../lib/forwarder/forwarder.ts";
import { MetricSet } from "../../lib/metrics/metrics.ts";
import { MemoryStore } from "../../lib/outbox/memory.ts";
import { createDeliveries } from "../../lib/report/create.ts";
import {
  Core,
  type CoreConfig,
  FakeSocket,
  FAULTLESS,
  HoldingSocket,
  quiesce,
} from "../simulation/model/core.ts";
import { KeptLog } from "./nats.ts";

const DONE: BackendReply = { ok: true, status: 200, body: "{}" };

/** Makes no faults: each request is held until `reply`, and taken then. */
export class HeldClient<S extends FakeSocket = FakeSocket> {
  readonly log = new KeptLog();
  readonly metrics = new MetricSet(["ocpp1.6", "ocpp2.1"]).metrics;
  /** Paths and bodies of the requests that came, in order. */
  readonly requests: BackendRequest[] = [];
  readonly #held: Requester[] = [];

  private constructor(
    readonly core: Core,
    readonly socket: S,
    deps: Partial<ConnectionDeps>,
    protocol: string,
    clientId: string,
  ) {
    const identity = { clientId, connectionId: "1", protocol, remoteAddress: "" };
    const { clock, limits } = core.deps;
    const { log, metrics } = this;
    const forwarder: Forwarder = {
      forward: (request, requester) => {
        this.requests.push(request);
        this.#held.push(requester);
      },
      close() {},
    };
    const config = { ...limits, maxReports: 1000, reportTtlMs: 1e6, backendConnections: 1000 };
    const deliveries = createDeliveries(config, {
      ...{ forwarder, ids: core.ids, clock, log, metrics },
      random: { fraction: () => 0 },
      store: new MemoryStore(),
    });
    connect(this.socket, { ...identity, connectedAt: 0 }, {
      ...core.deps,
      ...{ log, metrics, forwarder, deliveries },
      ...deps,
    });
    this.socket.open();
  }

  /**
   * @param limits How many messages may wait behind the one that the backend has, and such.
   * @param deps What is other than usual.
   */
  static async start(
    limits: Partial<ConnectionLimits>,
    deps: Partial<ConnectionDeps> = {},
    protocol = "ocpp2.1",
  ): Promise<HeldClient> {
    const core = await Core.start({ ...FAULTLESS, protocol, ...limits });
    return new HeldClient(core, new FakeSocket(), deps, protocol, "CP1");
  }

  /** The same on a socket that can be held. Clients that share a `core` differ in their ClientId. */
  static async holding(
    limits: Partial<CoreConfig>,
    deps: Partial<ConnectionDeps> = {},
    { core, clientId = "CP1" }: { readonly core?: Core; readonly clientId?: string } = {},
  ): Promise<HeldClient<HoldingSocket>> {
    const own = core ?? await Core.start({ ...FAULTLESS, protocol: "ocpp2.1", ...limits });
    return new HeldClient(own, new HoldingSocket(), deps, "ocpp2.1", clientId);
  }

  /** What was sent to the client. */
  get frames(): readonly string[] {
    return this.socket.frames;
  }

  send(text: string): void {
    this.socket.receive(text);
  }

  /** CALLs with an Action and no payload, under the MessageIds `<prefix>0` and so on. */
  sendCalls(prefix: string, count: number): void {
    for (let i = 0; i < count; i++) this.send(`[2,"${prefix}${i}","Act",{}]`);
  }

  /** The backend answers the oldest requests that it has not answered. */
  async reply(count = 1, reply: BackendReply = DONE): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.#held.shift()!.replied(reply);
      await quiesce();
    }
  }
}
