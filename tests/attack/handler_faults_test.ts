import { EarlierClients } from "../../lib/report/earlier.ts";
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { Caller } from "../../lib/client/caller.ts";
import { Calls, type CallsDeps } from "../../lib/client/calls.ts";
import type { Call } from "../../lib/codec/frame.ts";
import { readFrame } from "../../lib/codec/frame.ts";
import type { Peer } from "../../lib/cluster/bus.ts";
import type { FromWorker, Port, ToWorker } from "../../lib/cluster/message.ts";
import { Debts } from "../../lib/cluster/nats/debts.ts";
import { Ledger } from "../../lib/cluster/nats/ledger.ts";
import type { Link } from "../../lib/nats/link.ts";
import type { Peers } from "../../lib/cluster/nats/peers.ts";
import type { Proof } from "../../lib/cluster/nats/proof.ts";
import { Switchboard } from "../../lib/cluster/switchboard.ts";
import { ThreadsBus } from "../../lib/cluster/threads.ts";
import { readInvocation } from "../../lib/config/config.ts";
import { NO_SECRETS } from "../../lib/config/secret.ts";
import type { Forwarder } from "../../lib/forwarder/forwarder.ts";
import { metricsBuffer, MetricSet } from "../../lib/metrics/metrics.ts";
import { Backlog } from "../../lib/queue/backlog.ts";
import { MemoryStore } from "../../lib/outbox/memory.ts";
import { TimeOrderedIds } from "../../lib/ids.ts";
import { systemRandom } from "../../lib/random.ts";
import { createDeliveries } from "../../lib/report/create.ts";
import type { Deliveries } from "../../lib/report/deliveries.ts";
import { lostReport } from "../../lib/report/report.ts";
import { Aftermath } from "../../lib/worker/aftermath.ts";
import { Supervisor } from "../../lib/worker/supervisor.ts";
import { callTo, clientOf } from "../cluster/bus_contract.ts";
import { Instance } from "../cluster/nats/instance.ts";
import { inTime, until } from "../support/deadline.ts";
import { FakeClock, microtasks } from "../support/fake_clock.ts";
import { FakeWorker } from "../support/fake_worker.ts";
import { knowingNothing } from "../support/retention.ts";
import { KeptLog, NatsServer, testWithNats } from "../support/nats.ts";
import { pagesOf } from "../support/pages.ts";

// In each of these tests an error that nobody catches, or a rejection without an owner, fails the run.

function bug(): never {
  throw new Error("a bug");
}

/** A backend that takes everything. */
const taking: Forwarder["forward"] = (_, requester) =>
  queueMicrotask(() => requester.replied({ ok: true, status: 200, body: "{}" }));

/** What rooms below the gateway need, with a forwarder that fails. */
class Parts {
  readonly clock = new FakeClock();
  readonly log = new KeptLog();
  readonly metrics = new MetricSet(["ocpp1.6"], metricsBuffer(["ocpp1.6"], 1), 0).metrics;
  readonly backlog = new Backlog(10, 1e6, {
    count: this.metrics.waiting,
    chars: this.metrics.waitingChars,
  });
  readonly forwarder: Forwarder;
  readonly ids = new TimeOrderedIds(this.clock, systemRandom);
  readonly deliveries: Deliveries;
  readonly limits = { maxQueue: 10, maxQueueChars: 1e6 };
  readonly backendTimeoutText = "30s";

  constructor(forward: Forwarder["forward"]) {
    this.forwarder = { forward, close() {} } as Forwarder;
    const config = {
      ...this.limits,
      ...{ maxReports: 10, reportTtlMs: 1e6, backendConnections: 8 },
    };
    this.deliveries = createDeliveries(config, {
      ...this,
      random: systemRandom,
      store: new MemoryStore(),
    });
  }
}

function callFrame(text: string): Call {
  const read = readFrame(text, "ocpp1.6");
  ok(read.ok && read.frame.kind === "call");
  return read.frame;
}

Deno.test("a CALL whose forwarding fails is answered, counts no longer, and holds up no other", async (t) => {
  const rows: [name: string, more: Partial<CallsDeps>, forward: Forwarder["forward"]][] = [
    ["the forwarder throws", {}, bug],
    [
      "the check of its answer throws",
      { inspect: bug },
      taking,
    ],
    [
      "tracing throws",
      { tracing: { fromClient: bug, toClient: bug, toBackend: bug, served: bug } as never },
      taking,
    ],
  ];
  for (const [name, more, forward] of rows) {
    await t.step(name, async () => {
      const parts = new Parts(forward);
      const answers: string[] = [];
      let idle = 0;
      const caller: Caller = {
        ...clientOf("CP1"),
        dialect: "ocpp1.6",
        answer: (text) => answers.push(text),
        queueFull: bug,
        backendAway: bug,
        callsMoved: () => {},
        callsDone: () => idle++,
      };
      const calls = new Calls(caller, { ...parts, ...more });
      for (const id of ["1", "2"]) calls.push(callFrame(`[2,"${id}","Heartbeat",{}]`));
      await microtasks();
      deepStrictEqual(answers.map((text) => JSON.parse(text).slice(0, 3)), [
        [4, "1", "InternalError"],
        [4, "2", "InternalError"],
      ]);
      ok(!answers.join().includes("bug"), "clients are told nothing of the inside");
      deepStrictEqual([calls.count, parts.backlog.count], [0, 0]);
      ok(idle > 0);
      strictEqual(parts.log.count("a CALL failed"), 2);
    });
  }
});

Deno.test("a CALL whose answer cannot be written is not answered twice", async () => {
  const parts = new Parts(taking);
  let asked = 0;
  const calls = new Calls({
    ...clientOf("CP1"),
    dialect: "ocpp1.6",
    answer() {
      asked++;
      bug();
    },
    queueFull: bug,
    backendAway: bug,
    callsMoved: bug,
    callsDone: bug,
  }, { ...parts });
  calls.push(callFrame('[2,"1","Heartbeat",{}]'));
  await microtasks();
  deepStrictEqual([asked, calls.count, parts.backlog.count], [1, 0, 0]);
});

Deno.test("a report that fails is a line in the log and parked, and those behind it are posted", async (t) => {
  await t.step("the forwarder throws, and who is told does", () => {
    const { deliveries, log } = new Parts(bug);
    const states: string[] = [];
    const report = lostReport({ action: "Reset", messageId: "1" }, "ocpp1.6");
    deliveries.deliver(clientOf("CP1"), report, {
      told(state) {
        states.push(state);
        bug();
      },
    });
    deliveries.deliver(clientOf("CP1"), report, { told: (state) => states.push(state) });
    deepStrictEqual([states, deliveries.waiting], [["parked", "parked"], 0]);
    strictEqual(log.count("a report failed"), 3);
    strictEqual(deliveries.list({ state: "parked", limit: 10 }).total, 2);
  });
  await t.step("names that no URL can hold", async () => {
    const { deliveries } = new Parts(taking);
    const report = lostReport({ action: "\ud800", messageId: "1" }, "ocpp1.6");
    deliveries.deliver(clientOf("CP1"), report);
    deliveries.deliver(clientOf("\udfff"), lostReport(report as never, null));
    deliveries.deliver(clientOf("CP1"), lostReport({ action: "A", messageId: "1" }, null));
    await deliveries.whenEmpty();
    strictEqual(deliveries.list({ limit: 10 }).total, 2);
  });
});

Deno.test("what a dead worker owed is posted although a report of it fails", async () => {
  let forwarded = 0;
  const parts = new Parts(() => {
    forwarded++;
    return bug();
  });
  const { records, keys } = knowingNothing(parts.clock);
  const store = new MemoryStore();
  const earlier = new EarlierClients(parts.clock, () => {});
  const aftermath = new Aftermath({
    ...parts,
    records,
    keys,
    store,
    earlier,
    disconnectHook: true,
  });
  const clients = [clientOf("CP1"), clientOf("CP2", 2)];
  const call = { action: "Reset", messageId: "1" };
  void aftermath.report({ clients, calls: clients.map((client) => ({ client, call })) });
  await inTime(aftermath.whenDone(), "the end of the reports");
  strictEqual(forwarded, 4);
});

/** An instance each of whose functions fails. */
const BROKEN_PEER: Peer = {
  ...{ find: bug, replaced: bug, serve: bug, answerTo: bug, lost: bug, forget: bug },
};

/** Two ends that take each other's messages at once, as they are. */
class FakePort<In, Out> implements Port<In, Out> {
  readonly posted: Out[] = [];
  take: (message: In) => void = () => {};
  post(message: Out): void {
    this.posted.push(message);
  }
  onMessage(take: (message: In) => void): void {
    this.take = take;
  }
}

Deno.test("a message from the main thread that a worker cannot take ends nothing", async () => {
  const port = new FakePort<ToWorker, FromWorker>();
  const log = new KeptLog();
  const options = { port, clock: new FakeClock(), log, looksTwice: false, closeMs: 0 };
  new ThreadsBus(options).join(BROKEN_PEER);
  port.take({ kind: "replaced", clientId: "CP1", connectionId: "c" });
  port.take({ kind: "serve", id: 7, request: callTo("CP1") });
  await microtasks();
  const lost = { kind: "refused", reason: "lost" };
  port.take({ kind: "question", id: 9, question: { kind: "report", id: "1" } });
  deepStrictEqual(port.posted, [
    { kind: "join" },
    { kind: "served", id: 7, reply: lost },
    { kind: "answer", id: 9, answer: undefined },
  ]);
  deepStrictEqual(
    [
      log.count("a message between threads failed"),
      log.count("a request of another worker"),
      log.count("a question of another worker"),
    ],
    [1, 1, 1],
  );
  // A way that takes nothing.
  port.post = bug;
  port.take({ kind: "serve", id: 8, request: callTo("CP1") });
  await microtasks();
  strictEqual(log.count("a message between threads failed"), 2);
});

Deno.test("a message of a worker that the main thread cannot take ends nothing", () => {
  const log = new KeptLog();
  const switchboard = new Switchboard(new FakeClock(), log);
  const [good, bad] = [0, 1].map(() => new FakePort<FromWorker, ToWorker>());
  for (const port of [good!, bad!]) switchboard.connect(port);
  bad!.post = bug;
  bad!.take({ kind: "attach", client: clientOf("CP1") });
  const ask = { kind: "ask", id: 1, request: callTo("CP1"), looksTwice: false } as const;
  good!.take(ask);
  bad!.take(null as never);
  const question = { kind: "page", after: null, limit: 1 } as const;
  bad!.take({ kind: "survey", id: 1, question, asksWorkers: true });
  strictEqual(log.count("a message between threads failed"), 3);
  // The others go on.
  good!.take({ kind: "attach", client: clientOf("CP2") });
  strictEqual(switchboard.find("CP2")?.clientId, "CP2");
});

Deno.test("a worker that cannot even be made again is tried again", async () => {
  const clock = new FakeClock();
  const log = new KeptLog();
  const made: FakeWorker[] = [];
  let isBroken = false;
  const invocation = readInvocation(["--listen=127.0.0.1:0"], () => undefined, "0.0.0-test");
  ok(invocation.kind === "run");
  const supervisor = await Supervisor.start(invocation.config, 1, {
    ...{ log, clock, random: systemRandom, version: "0.0.0-test", startedAt: 0 },
    secrets: NO_SECRETS,
    createWorker: () => {
      if (isBroken) bug();
      const worker = new FakeWorker();
      made.push(worker);
      queueMicrotask(() => worker.say({ kind: "loaded" }));
      return worker;
    },
  });
  isBroken = true;
  made[0]!.die("a bug");
  await microtasks();
  for (let i = 1; i <= 3; i++) {
    clock.tick(30_000);
    await microtasks();
    strictEqual(log.count("a worker cannot be started again"), i);
  }
  isBroken = false;
  clock.tick(30_000);
  await microtasks();
  deepStrictEqual([made.length, log.count("a worker was started again")], [2, 1]);
  await supervisor.shutdown();
});

testWithNats("an instance each of whose functions fails stays on NATS, and says so", async () => {
  await using nats = await NatsServer.start();
  await using asker = await Instance.ready([nats.host]);
  await using broken = await Instance.ready([nats.host]);
  broken.connect("CP1", "c1");
  await until("the client", async () => await asker.whoIs("CP1") === "c1");
  broken.answer = bug;
  const start = performance.now();
  deepStrictEqual(await asker.call("CP1", "1", 60), { kind: "refused", reason: "lost" });
  ok(performance.now() - start < 30_000, "without waiting for nothing");
  broken.answer = () => Promise.reject(new Error("a bug"));
  deepStrictEqual(await asker.call("CP1", "2"), { kind: "refused", reason: "lost" });
  strictEqual(broken.log.count("a request of another instance failed"), 2);
  const { find } = broken;
  Object.assign(broken, { find: bug, replaced: bug, answerTo: bug, lost: bug });
  deepStrictEqual(await asker.call("CP1", "3"), { kind: "refused", reason: "unavailable" });
  deepStrictEqual(await pagesOf(asker.bus, null, 10), []);
  asker.connect("CP1", "c2");
  await until("word of each", () => broken.log.count("nats message not taken") >= 4);
  match(broken.log.lines.join("\n"), /a bug/);
  Object.assign(broken, { find });
  ok(broken.bus.isAvailable && asker.bus.isAvailable);
});

Deno.test("a report of what another instance lost that fails ends neither the round nor the next", async () => {
  const clock = new FakeClock();
  const log = new KeptLog();
  const ledger = new Ledger();
  const lost: string[] = [];
  const debts = new Debts({
    ...{ peerId: "a", subjectOf: (peerId: string) => peerId, clock, log, ledger },
    link: {
      isUp: true,
      upSince: 0,
      // It has given up what it took in its first epoch.
      connection: { request: () => Promise.resolve({ string: () => '{"epoch":2,"ended":[]}' }) },
    } as unknown as Link,
    peers: { heard() {}, lastHeard: () => 0 } as unknown as Peers,
    proof: { at: 0, ask: () => Promise.resolve() } as unknown as Proof,
    errands: { isEmpty: true, takeOver() {} },
    local: {
      lost(_client, { messageId }) {
        lost.push(messageId);
        bug();
      },
    },
  });
  const enter = (messageId: string, peerId: string): void => {
    const number = ledger.enter(peerId, clientOf("CP1"), { action: "Reset", messageId });
    ledger.accepted(number, 1);
  };
  enter("1", "b");
  enter("1b", "b");
  enter("2", "c");
  debts.watch();
  clock.tick(1000);
  await microtasks();
  deepStrictEqual([lost, ledger.size], [["1", "1b", "2"], 0]);
  strictEqual(log.count("an instance's debts failed"), 3);
  enter("3", "b");
  debts.watch();
  clock.tick(1000);
  await microtasks();
  deepStrictEqual(lost, ["1", "1b", "2", "3"]);
  debts.close();
});
