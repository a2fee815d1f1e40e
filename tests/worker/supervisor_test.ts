import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import type { Client } from "../../lib/cluster/bus.ts";
import { readInvocation } from "../../lib/config/config.ts";
import { NO_SECRETS, type Secrets } from "../../lib/config/secret.ts";
import { shutdownTimes } from "../../lib/gateway/shutdown_times.ts";
import { silentLog } from "../../lib/log/log.ts";
import { MetricSet } from "../../lib/metrics/metrics.ts";
import type { Order } from "../../lib/worker/message.ts";
import { MemoryOutbox } from "../../lib/outbox/memory.ts";
import type { Found } from "../../lib/outbox/store.ts";
import { Supervisor } from "../../lib/worker/supervisor.ts";
import { ChangingStore } from "../report/bench.ts";
import { RecordingBackend } from "../support/backend.ts";
import { inTime, until } from "../support/deadline.ts";
import { FakeClock, microtasks } from "../support/fake_clock.ts";
import { FakeWorker } from "../support/fake_worker.ts";
import { systemRandom } from "../../lib/random.ts";

const CLIENT: Client = {
  clientId: "CP1",
  connectionId: "c1",
  protocol: "ocpp1.6",
  remoteAddress: "127.0.0.1",
  connectedAt: 0,
};

/** Workers that have loaded as soon as they are made, and do what they are told. */
class Setup {
  readonly clock = new FakeClock();
  readonly made: { readonly number: number; readonly worker: FakeWorker }[] = [];
  readonly orders: { readonly number: number; readonly order: Order }[] = [];
  /** The fault of each start from now on. */
  fault: { name: string; message: string } | undefined;
  secrets: Secrets = NO_SECRETS;
  readonly #flags: readonly string[];

  constructor(flags: readonly string[] = []) {
    this.#flags = flags;
  }

  start(workers: number, outbox?: MemoryOutbox): Promise<Supervisor> {
    const flags = ["--listen=127.0.0.1:0", "--drain-timeout=0s", ...this.#flags];
    const invocation = readInvocation(flags, () => undefined, "0.0.0-test");
    if (invocation.kind !== "run") throw new Error(JSON.stringify(invocation));
    return Supervisor.start(invocation.config, workers, {
      log: silentLog,
      random: systemRandom,
      clock: this.clock,
      version: "0.0.0-test",
      startedAt: 0,
      secrets: this.secrets,
      ...(outbox === undefined ? {} : { outbox }),
      createWorker: (number) => {
        const worker = new FakeWorker();
        worker.onOrder = (order) => {
          this.orders.push({ number, order });
          if (order.kind !== "start") return { ok: true };
          if (this.fault !== undefined) return { ok: false, fault: this.fault };
          const url = `http://127.0.0.1:${order.config.listen.port}`;
          return { ok: true, addresses: { url, apiUrl: undefined } };
        };
        this.made.push({ number, worker });
        queueMicrotask(() => worker.say({ kind: "loaded" }));
        return worker;
      },
    });
  }

  /** The newest worker dies. */
  async killLast(): Promise<void> {
    this.made.at(-1)!.worker.die("a bug");
    await microtasks();
  }
}

Deno.test("workers begin together, with one port, numbers from 1, and one memory", async () => {
  const setup = new Setup();
  const supervisor = await setup.start(3);
  const starts = setup.orders.map(({ order }) => order)
    .filter((order) => order.kind === "start");
  deepStrictEqual(starts.map(({ number }) => number), [1, 2, 3]);
  const ports = new Set(starts.map(({ config }) => config.listen.port));
  deepStrictEqual([ports.size, ports.has(0)], [1, false]);
  strictEqual(new Set(starts.map(({ metrics }) => metrics)).size, 1);
  strictEqual(supervisor.url, `http://127.0.0.1:${[...ports][0]}`);
  await supervisor.shutdown();
  strictEqual(setup.made.every(({ worker }) => worker.wasTerminated), true);
  strictEqual(setup.clock.timers, 0);
});

Deno.test("each life of a worker has a place of its own at the outbox", async () => {
  const outbox = new MemoryOutbox();
  const ports: MessagePort[] = [];
  outbox.attach = () => {
    const { port1, port2 } = new MessageChannel();
    port2.close();
    ports.push(port1);
    return { owner: ports.length, port: port1 };
  };
  const setup = new Setup();
  const supervisor = await setup.start(2, outbox);
  await setup.killLast();
  setup.clock.tick(1);
  await microtasks();
  const given = setup.orders.map(({ order }) => order.kind === "start" && order.outbox);
  deepStrictEqual(given, ports);
  strictEqual(ports.length, 3);
  deepStrictEqual(setup.made.map(({ worker }) => worker.transferred), ports.map((port) => [port]));
  await supervisor.shutdown();
  for (const port of ports) port.close();
});

Deno.test("a worker that dies again and again is started at once, then after growing pauses", async () => {
  const setup = new Setup();
  const supervisor = await setup.start(2);
  let made = 2;
  for (const seconds of [0, 1, 2, 4, 8, 16, 30, 30, 30]) {
    await setup.killLast();
    if (seconds > 0) {
      setup.clock.tick(1000 * seconds - 1);
      await microtasks();
      strictEqual(setup.made.length, made, `before ${seconds} s`);
    }
    setup.clock.tick(1);
    await microtasks();
    strictEqual(setup.made.length, ++made, `after ${seconds} s`);
    strictEqual(setup.made.at(-1)!.number, 2);
  }
  // One that has lived for a while is trusted again.
  setup.clock.tick(60_000);
  await setup.killLast();
  setup.clock.tick(0);
  await microtasks();
  strictEqual(setup.made.length, made + 1);
  await supervisor.shutdown();
});

Deno.test("a worker that cannot be started again is tried again, after growing pauses", async () => {
  const setup = new Setup();
  const supervisor = await setup.start(2);
  setup.fault = { name: "AddrInUse", message: "taken" };
  await setup.killLast();
  setup.clock.tick(0);
  await microtasks();
  strictEqual(setup.made.length, 3);
  strictEqual(setup.made[2]!.worker.wasTerminated, true);
  setup.clock.tick(1000);
  await microtasks();
  strictEqual(setup.made.length, 4);
  setup.fault = undefined;
  setup.clock.tick(2000);
  await microtasks();
  strictEqual(setup.made.length, 5);
  strictEqual(setup.made[4]!.worker.wasTerminated, false);
  await supervisor.shutdown();
});

Deno.test("nothing is started again during a shutdown", async () => {
  const setup = new Setup();
  const supervisor = await setup.start(2);
  await setup.killLast();
  const ended = supervisor.shutdown();
  setup.clock.tick(60_000);
  await ended;
  strictEqual(setup.made.length, 2);
  strictEqual(setup.clock.timers, 0);
});

Deno.test("one worker's fault at the start ends all, and is the start's", async () => {
  const setup = new Setup();
  setup.fault = { name: "Refusal", message: "--cpuprofile: no" };
  await rejects(setup.start(2), { name: "Refusal", message: "--cpuprofile: no" });
  strictEqual(setup.made.every(({ worker }) => worker.wasTerminated), true);
  strictEqual(setup.clock.timers, 0);
});

Deno.test("all workers forget the connect hook's verdicts, also one that is just being started", async () => {
  const setup = new Setup();
  const supervisor = await setup.start(2);
  await setup.killLast();
  setup.clock.tick(0);
  supervisor.forgetVerdicts();
  await microtasks();
  const forgets = setup.orders.filter(({ order }) => order.kind === "forget_verdicts");
  deepStrictEqual(forgets.map(({ number }) => number).toSorted(), [1, 2]);
  await supervisor.shutdown();
});

Deno.test("a new certificate goes to all workers, also to one that is started later", async () => {
  const setup = new Setup();
  const supervisor = await setup.start(2);
  const pair = { cert: "new", key: "new" };
  await supervisor.reloadTls(pair);
  const reloads = setup.orders.filter(({ order }) => order.kind === "reload_tls");
  deepStrictEqual(reloads.map(({ number }) => number), [1, 2]);
  await setup.killLast();
  setup.clock.tick(0);
  await microtasks();
  const last = setup.orders.at(-1)!.order;
  deepStrictEqual(last.kind === "start" && last.secrets.tls, pair);
  await supervisor.shutdown();
});

Deno.test("new tokens go to all workers, also to one that is started later", async () => {
  const setup = new Setup();
  const supervisor = await setup.start(2);
  const tokens = [{ name: "new", sha256: "0".repeat(64), role: "read" }] as const;
  await supervisor.reloadTokens(tokens);
  const numbers = () =>
    setup.orders.filter(({ order }) => order.kind === "reload_tokens").map(({ number }) => number);
  deepStrictEqual(numbers(), [1, 2]);
  await setup.killLast();
  setup.clock.tick(0);
  await microtasks();
  const last = setup.orders.at(-1)!.order;
  deepStrictEqual(last.kind === "start" && last.secrets.tokens, tokens);
  await supervisor.shutdown();
});

Deno.test("a shutdown does not wait for ever for a worker that hangs", async () => {
  const setup = new Setup();
  const supervisor = await setup.start(2);
  setup.made[0]!.worker.onOrder = () => undefined;
  let hasEnded = false;
  const ended = supervisor.shutdown().then(() => hasEnded = true);
  await microtasks();
  const { workers, program } = shutdownTimes(setup.clock.now(), 0);
  setup.clock.tick(workers - setup.clock.now() - 1);
  await microtasks();
  deepStrictEqual([hasEnded, setup.made[0]!.worker.wasTerminated], [false, false]);
  setup.clock.tick(1);
  await ended;
  strictEqual(setup.made.every(({ worker }) => worker.wasTerminated), true);
  ok(setup.clock.now() < program);
});

Deno.test("at the shutdown a worker that hangs is ended, and what it owes is reported from here", async () => {
  await using backend = new RecordingBackend();
  const setup = new Setup([`--backend=${backend.url}`, "--disconnect-hook"]);
  const supervisor = await setup.start(2);
  const { worker } = setup.made[0]!;
  const client = CLIENT;
  const call = { action: "Reset", messageId: "r1" };
  worker.say({ kind: "bus", message: { kind: "attach", client } });
  worker.say({
    kind: "bus",
    message: { kind: "accepted", id: 1, client, call, servedId: null },
  });
  worker.onOrder = () => undefined;
  const ended = supervisor.shutdown();
  await microtasks();
  setup.clock.tick(shutdownTimes(0, 0).workers);
  strictEqual((await backend.next()).path, "/error/Reset/CP1/r1");
  strictEqual((await backend.next()).path, "/disconnect/CP1");
  await inTime(ended, "the shutdown");
  strictEqual(supervisor.undelivered(), 0);
});

Deno.test("what is reported from here is signed with the keys that count then", async () => {
  await using backend = new RecordingBackend();
  const setup = new Setup([`--backend=${backend.url}`, "--disconnect-hook"]);
  const [first, second, third] = [1, 2, 3].map((byte) => new Uint8Array(24).fill(byte));
  setup.secrets = { ...NO_SECRETS, signKeys: [first!] };
  const supervisor = await setup.start(1);
  await supervisor.change({ signKeys: [second!, third!] });
  setup.made[0]!.worker.say({ kind: "bus", message: { kind: "attach", client: CLIENT } });
  await setup.killLast();
  const { headers } = await backend.next("/disconnect/");
  strictEqual(headers.get("webhook-signature")?.split(" ").length, 2);
});

Deno.test("workers hold a client's reports back until those that a dead one left are delivered", async () => {
  await using backend = new RecordingBackend();
  const held = Promise.withResolvers<void>();
  backend.answer = async () => {
    await held.promise;
    return new Response(null, { status: 204 });
  };
  const outbox = new MemoryOutbox();
  const found = Promise.withResolvers<Found>();
  outbox.recover = () => found.promise;
  const setup = new Setup([`--backend=${backend.url}`]);
  const supervisor = await setup.start(2, outbox);
  const [other, { worker }] = [setup.made[0]!.worker, setup.made[1]!];
  const changes = () =>
    other.got.flatMap((message) =>
      message.kind === "bus" && message.message.kind === "earlier" ? message.message.change : []
    );
  worker.say({ kind: "bus", message: { kind: "attach", client: CLIENT } });
  const idle = { ...CLIENT, clientId: "CP2" };
  worker.say({ kind: "bus", message: { kind: "attach", client: idle } });
  await setup.killLast();
  // At once, whatever the outbox takes to say what there is.
  deepStrictEqual(changes(), [{ begun: ["CP1", "CP2"], ended: [] }]);
  const report = { kind: "disconnect", body: "{}" } as const;
  found.resolve({ calls: [], reports: [{ id: "1", client: CLIENT, report, since: 0 }] });
  await backend.next("/disconnect/CP1");
  setup.clock.tick(1);
  deepStrictEqual(changes().slice(1), [{ begun: [], ended: ["CP2"] }]);
  // The next one in its place knows it from its start.
  await microtasks();
  const last = setup.orders.at(-1)!.order;
  deepStrictEqual(last.kind === "start" && last.earlier, ["CP1"]);
  held.resolve();
  await until("the client to be free", () => {
    setup.clock.tick(1);
    return changes().length === 3;
  });
  deepStrictEqual(changes()[2], { begun: [], ended: ["CP1"] });
  await supervisor.shutdown();
});

Deno.test("what a backend that hangs does not take of a hanging worker's reports is counted", async () => {
  await using backend = new RecordingBackend();
  backend.answer = () => new Promise(() => {});
  const setup = new Setup([`--backend=${backend.url}`, "--disconnect-hook"]);
  const supervisor = await setup.start(3);
  const { worker } = setup.made[0]!;
  worker.say({ kind: "bus", message: { kind: "attach", client: CLIENT } });
  worker.onOrder = () => undefined;
  setup.made[1]!.worker.onOrder = () => ({ ok: true, undelivered: 3 });
  const ended = supervisor.shutdown();
  await microtasks();
  const { workers, aftermath } = shutdownTimes(0, 0);
  setup.clock.tick(workers);
  await backend.next("/disconnect/");
  // Whoever cannot wait for the end is told of what waits by now.
  strictEqual(supervisor.undelivered(), 1);
  setup.clock.tick(aftermath - workers);
  await inTime(ended, "the shutdown");
  strictEqual(supervisor.undelivered(), 4);
});

Deno.test("at a shutdown each worker is told how many clients all have, and how long ago it began", async () => {
  const setup = new Setup();
  const supervisor = await setup.start(2);
  const starts = setup.orders.map(({ order }) => order).filter((order) => order.kind === "start");
  for (const { config, metrics, number } of starts) {
    new MetricSet(config.protocols, metrics, number).metrics.connections.none!.add(600);
  }
  setup.clock.tick(1000);
  await supervisor.shutdown({ since: 900 });
  const orders = setup.orders.map(({ order }) => order).filter(({ kind }) => kind === "shutdown");
  const order = { kind: "shutdown", elapsedMs: 100, clients: 1200 };
  deepStrictEqual(orders, [order, order]);
});

/** An outbox whose main store says what changes hands. */
class ChangingOutbox extends MemoryOutbox {
  override readonly store = new ChangingStore();
}

Deno.test("what another owner has left goes from the main thread, and workers hold back what comes later", async () => {
  await using backend = new RecordingBackend();
  const held = Promise.withResolvers<void>();
  backend.answer = async () => {
    await held.promise;
    return new Response(null, { status: 204 });
  };
  const outbox = new ChangingOutbox();
  const report = { kind: "disconnect", body: "{}" } as const;
  // Nothing changes hands before what was found at the start goes its way.
  let isRecovered = false;
  outbox.store.recover = () => {
    strictEqual(outbox.store.follower, undefined);
    isRecovered = true;
    return Promise.resolve({ calls: [], reports: [{ id: "1", client: CLIENT, report, since: 0 }] });
  };
  const setup = new Setup([`--backend=${backend.url}`]);
  const supervisor = await setup.start(1, outbox);
  strictEqual(isRecovered, true);
  const follower = outbox.store.follower!;
  const { worker } = setup.made[0]!;
  const changes = () =>
    worker.got.flatMap((message) =>
      message.kind === "bus" && message.message.kind === "earlier" ? message.message.change : []
    );
  const start = setup.orders[0]!.order;
  deepStrictEqual(start.kind === "start" && start.earlier, ["CP1"]);
  const [other, third] = ["CP2", "CP3"].map((clientId) => ({ ...CLIENT, clientId }));
  const names = { action: "Reset", messageId: "m", trace: undefined, acceptedAt: 0 };
  const known = changes().length;
  follower.inherited({
    calls: [{ id: "3", client: other!, ...names }],
    reports: [
      { id: "2", client: CLIENT, report, since: 0 },
      { id: "4", client: third!, report, since: 0 },
    ],
  });
  // At once: what comes to be in a worker from now on is newer.
  deepStrictEqual(changes().slice(known), [{ begun: ["CP3", "CP2"], ended: [] }]);
  await backend.next("/disconnect/CP1");
  follower.lost(["2", "4"]);
  held.resolve();
  await until("all clients to be free", () => {
    setup.clock.tick(1);
    return changes().slice(known).flatMap(({ ended }) => ended).length === 3;
  });
  const paths = backend.requests.map(({ path }) => path).toSorted();
  // That of CP3 was under way, or about to be, when it was lost.
  deepStrictEqual(paths.filter((path) => !path.endsWith("/CP3")), [
    "/disconnect/CP1",
    "/error/Reset/CP2/m",
  ]);
  await supervisor.shutdown();
  strictEqual(supervisor.undelivered(), 0);
  follower.inherited({ calls: [], reports: [{ id: "5", client: CLIENT, report, since: 0 }] });
  strictEqual(outbox.store.told.includes("delivered 5"), false);
});
