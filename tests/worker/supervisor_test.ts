import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { readInvocation } from "../../lib/config/config.ts";
import { NO_SECRETS } from "../../lib/config/secret.ts";
import { silentLog } from "../../lib/log/log.ts";
import type { Order } from "../../lib/worker/message.ts";
import { MemoryOutbox } from "../../lib/outbox/memory.ts";
import { Supervisor } from "../../lib/worker/supervisor.ts";
import { FakeClock, microtasks } from "../support/fake_clock.ts";
import { FakeWorker } from "../support/fake_worker.ts";
import { systemRandom } from "../../lib/random.ts";

/** Workers that have loaded as soon as they are made, and do what they are told. */
class Setup {
  readonly clock = new FakeClock();
  readonly made: { readonly number: number; readonly worker: FakeWorker }[] = [];
  readonly orders: { readonly number: number; readonly order: Order }[] = [];
  /** The fault of each start from now on. */
  fault: { name: string; message: string } | undefined;

  start(workers: number, outbox?: MemoryOutbox): Promise<Supervisor> {
    const flags = ["--listen=127.0.0.1:0", "--drain-timeout=0s"];
    const invocation = readInvocation(flags, () => undefined, "0.0.0-test");
    if (invocation.kind !== "run") throw new Error(JSON.stringify(invocation));
    return Supervisor.start(invocation.config, workers, {
      log: silentLog,
      random: systemRandom,
      clock: this.clock,
      version: "0.0.0-test",
      startedAt: 0,
      secrets: NO_SECRETS,
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
  const ended = supervisor.shutdown();
  await microtasks();
  setup.clock.tick(25_000);
  await ended;
  strictEqual(setup.made.every(({ worker }) => worker.wasTerminated), true);
});
