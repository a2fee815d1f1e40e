import type { HttpRequest } from "../../lib/request.ts";
import { deepStrictEqual, notDeepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { connect } from "../../lib/client/connect.ts";
import { drain } from "../../lib/client/drain.ts";
import { createUpgrade, type Upgrade } from "../../lib/door/upgrade.ts";
import type { Random } from "../../lib/random.ts";
import { Core, FakeSocket, quiesce } from "../simulation/model/core.ts";
import { Random as Seeded } from "../support/random.ts";

const CONFIG = {
  maxWaiting: 10,
  isPressed: false,
  disconnectHook: true,
  protocol: "ocpp1.6",
  callTimeoutMs: 1000,
  callConcurrency: 1,
  maxQueue: 2,
  maxQueueChars: Infinity,
  maxMessageBytes: 1000,
  maxBufferedBytes: 1000,
  retries: 3,
  slots: 4,
  maxSlotWaitMs: 60_000,
  holdMs: 2000,
  isAway: false,
};

const UPGRADE = {
  wsPath: "/",
  protocols: ["ocpp1.6"],
  requireProtocol: false,
  noCommonProtocol: "refuse" as const,
  trustProxy: false,
  maxConnections: 10_000,
  pingIntervalMs: 0,
  connectRate: undefined,
  connectHook: false,
  disconnectHook: true,
};

const HEADERS = {
  host: "gateway",
  "upgrade": "websocket",
  "connection": "Upgrade",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-protocol": "ocpp1.6",
};

/** The machine's chance, as a seed has it. */
function seeded(seed: number): Random {
  const random = new Seeded(seed);
  return {
    fraction: () => random.below(2 ** 32) / 2 ** 32,
    bytes: (length) => random.bytes(length),
  };
}

/** A door, the clients behind it and the forwarder's layers, without network and real time. */
class Gateway {
  readonly core: Core;
  readonly random: Random;
  readonly sockets: FakeSocket[] = [];
  readonly #memory = { isTight: false };
  readonly #upgrade: Upgrade;

  private constructor(core: Core, random: Random) {
    this.core = core;
    this.random = random;
    this.#upgrade = createUpgrade(UPGRADE, {
      ...core.deps,
      connections: core.connections,
      deliveries: core.deliveries,
      maker: {
        upgrade: () => {
          const socket = new FakeSocket();
          this.sockets.push(socket);
          return { socket, response: new Response() };
        },
      },
      connect: (socket, identity) => connect(socket, identity, core.deps),
      memory: this.#memory,
      random,
      time: core.clock,
    });
  }

  static async start(seed: number): Promise<Gateway> {
    const random = seeded(seed);
    return new Gateway(await Core.start(CONFIG, random), random);
  }

  /** A client that is let in, and its socket. */
  async connect(clientId: string): Promise<FakeSocket> {
    const count = this.sockets.length;
    const upgraded = this.#ask(clientId);
    // Those beyond some in one turn wait for the next ones.
    while (this.sockets.length === count) {
      this.core.clock.tick(1);
      await quiesce();
    }
    await upgraded;
    const socket = this.sockets[count]!;
    socket.open();
    return socket;
  }

  /** What a client is told that cannot be let in now. */
  async refused(clientId: string): Promise<string | null> {
    this.#memory.isTight = true;
    const response = await this.#ask(clientId);
    this.#memory.isTight = false;
    return response.headers.get("retry-after");
  }

  async #ask(clientId: string): Promise<Response> {
    const request = {
      ...{ method: "GET", url: `http://gateway/${clientId}`, body: null },
      headers: new Headers(HEADERS),
      upgrade: { socket: { destroyed: false } } as HttpRequest["upgrade"],
    };
    const answer = await this.#upgrade(request, `/${clientId}`, {
      peer: "127.0.0.1",
      isTls: false,
      strangeness: null,
    });
    ok(answer instanceof Response);
    return answer;
  }
}

/** All that the backend and the clients see of one gateway in one course of events. */
async function seenOf(seed: number): Promise<string[]> {
  const gateway = await Gateway.start(seed);
  const { backend, clock } = gateway.core;
  const seen: string[] = [];
  const first = await gateway.connect("CP1");
  const second = await gateway.connect("CP2");
  first.receive('[2,"1","BootNotification",{"a":1}]');
  second.receive('[2,"1","Heartbeat",{}]');
  const called = gateway.core.call(["Reset", "CP1", "r1"], "{}", undefined);
  await quiesce();
  first.receive('[3,"r1",{"status":"Accepted"}]');
  seen.push(`retry after ${await gateway.refused("CP3")}`);
  seen.push(`response ${(await called).status}`);
  const newer = await gateway.connect("CP1");
  // A backend that is away, so that all is tried again at its time; then it answers.
  for (let ms = 0; ms < 10_000; ms += 10) {
    for (const attempt of [...backend.underWay]) {
      const { path, body, origin } = attempt.delivery.request;
      seen.push(`${clock.now()} ${path} ${body} ${origin.connectionId}`);
      backend.answer(attempt, ms < 1000 ? "unreachable" : 200);
    }
    await quiesce();
    clock.tick(10);
  }
  newer.end(1000, "bye", true);
  await quiesce();
  for (const { delivery } of backend.underWay) {
    seen.push(`${delivery.request.path} ${delivery.request.origin.connectionId}`);
  }
  for (const { frames, closedWith } of gateway.sockets) {
    seen.push(...frames, JSON.stringify(closedWith));
  }
  return seen;
}

Deno.test("a gateway built twice does the same with the same clock, random numbers and messages", async () => {
  const [once, again, other] = [await seenOf(1), await seenOf(1), await seenOf(2)];
  ok(once!.some((line) => line.includes("call/BootNotification/CP1/1")));
  ok(once!.some((line) => line.includes("result/Reset/CP1/r1")));
  ok(once!.some((line) => line.includes("disconnect/CP1")));
  deepStrictEqual(again, once);
  notDeepStrictEqual(other, once);
});

/** In which order more clients than are closed at once are closed. */
async function closedOf(seed: number): Promise<number[]> {
  const gateway = await Gateway.start(seed);
  const { clock, connections } = gateway.core;
  const order: number[] = [];
  for (let i = 0; i < 1100; i++) {
    const socket = await gateway.connect(`CP${i}`);
    socket.close = () => void order.push(i);
  }
  const drained = drain(connections, {
    until: clock.now() + 10_000,
    giveUp: Infinity,
    clients: 1100,
  }, { clock, random: gateway.random });
  while (connections.size > 0) {
    clock.tick(10);
    await quiesce();
  }
  clock.tick(1000);
  await drained;
  return order;
}

Deno.test("the order in which many clients are closed is chance's, and nothing else's", async () => {
  const [once, again, other] = [await closedOf(1), await closedOf(1), await closedOf(2)];
  strictEqual(new Set(once).size, 1100);
  deepStrictEqual(again, once);
  notDeepStrictEqual(other, once);
});
