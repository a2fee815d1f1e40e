import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { connect } from "@nats-io/transport-node";
import { systemClock } from "../../../lib/clock.ts";
import type { ClientReply } from "../../../lib/cluster/bus.ts";
import { TimeOrderedIds } from "../../../lib/ids.ts";
import { systemRandom } from "../../../lib/random.ts";
import { closedPort } from "../../support/backend.ts";
import { until } from "../../support/deadline.ts";
import { Cable, NatsCluster, NatsServer, testWithNats as test } from "../../support/nats.ts";
import { Random } from "../../support/random.ts";
import { Instance } from "./instance.ts";
import { pagesOf } from "../../support/pages.ts";

const gone: ClientReply = { kind: "refused", reason: "gone" };
const unavailable: ClientReply = { kind: "refused", reason: "unavailable" };

test("a newer connection on another instance replaces the older one", async () => {
  await using nats = await NatsServer.start();
  await using a = await Instance.ready([nats.host]);
  await using b = await Instance.ready([nats.host]);
  a.connect("CP1", "c1");
  strictEqual(await b.whoIs("CP1"), "c1");
  b.connect("CP1", "c2");
  await until("the close of the older", () => a.closed.includes("c1"));
  deepStrictEqual([a.clients.size, b.closed], [0, []]);
  strictEqual(await a.whoIs("CP1"), "c2");
});

test("an older connection that comes later than the newer one is the one that goes", async () => {
  await using nats = await NatsServer.start();
  await using a = await Instance.ready([nats.host]);
  await using b = await Instance.ready([nats.host]);
  a.connect("CP1", "c2");
  strictEqual(await b.whoIs("CP1"), "c2");
  // Its upgrade began before the other one's.
  b.connect("CP1", "c1");
  // At once, and not only when the newer one is announced a second time.
  await until("the close of the older", () => b.closed.includes("c1"), 1500);
  deepStrictEqual([a.closed, b.clients.size], [[], 0]);
  strictEqual(await b.whoIs("CP1"), "c2");
});

test("of connections at the same time on many instances exactly the newest stays", async (t) => {
  await using cluster = await NatsCluster.start();
  const rows: [name: string, hosts: string[]][] = [
    ["on one NATS server", Array(3).fill(cluster.servers[0]!.host)],
    ["on three", cluster.servers.map(({ host }) => host)],
  ];
  for (const [k, [name, hosts]] of rows.entries()) {
    await t.step(name, async () => {
      const random = new Random(7 + k);
      const prefix = `test${k}`;
      await using a = await Instance.ready([hosts[0]!], prefix);
      await using b = await Instance.ready([hosts[1]!], prefix);
      await using c = await Instance.ready([hosts[2]!], prefix);
      const instances = [a, b, c];
      const count = 200;
      for (let i = 0; i < count; i++) {
        const ids = ["c1", "c2", "c3"].sort(() => random.below(3) - 1);
        for (const [n, instance] of instances.entries()) {
          if (n < 2 || random.chance(0.5)) instance.connect(`CP${i}`, ids[n]!);
        }
        if (random.chance(0.3)) {
          await new Promise((resolve) => setTimeout(resolve, random.below(3)));
        }
      }
      const holders = (i: number): Instance[] =>
        instances.filter(({ clients }) => clients.has(`CP${i}`));
      const all = Array.from({ length: count }, (_, i) => i);
      await until("one holder of each", () => all.every((i) => holders(i).length === 1));
      // Nothing is closed that was the newest of its client.
      for (const i of all) {
        const [holder] = holders(i);
        const { connectionId } = holder!.clients.get(`CP${i}`)!;
        for (const other of instances) {
          if (other !== holder) strictEqual(await other.whoIs(`CP${i}`), connectionId);
        }
      }
      const newest = all.reduce((sum, i) => sum + holders(i).length, 0);
      const opened = instances.reduce((sum, { closed }) => sum + closed.length, newest);
      strictEqual(newest, count);
      ok(opened > 2 * count);
    });
  }
});

test("a client that has just connected is found from another server of the NATS cluster", async () => {
  await using cluster = await NatsCluster.start();
  await using a = await Instance.ready([cluster.servers[0]!.host]);
  await using b = await Instance.ready([cluster.servers[1]!.host]);
  for (let i = 0; i < 50; i++) {
    b.connect(`CP${i}`, "c1");
    // What is asked at once may be asked before the other server knows of it.
    strictEqual(await a.whoIs(`CP${i}`), "c1");
  }
});

test("the late end of an older connection leaves the newer one to be found", async () => {
  await using nats = await NatsServer.start();
  await using a = await Instance.ready([nats.host]);
  await using b = await Instance.ready([nats.host]);
  a.connect("CP1", "c1");
  const older = a.clients.get("CP1")!;
  a.connect("CP1", "c2");
  a.disconnect(older);
  strictEqual(await b.whoIs("CP1"), "c2");
  const newer = a.clients.get("CP1")!;
  b.connect("CP1", "c3");
  await until("the close on the other instance", () => a.closed.includes("c2"));
  a.disconnect(newer);
  strictEqual(await a.whoIs("CP1"), "c3");
  b.disconnect(b.clients.get("CP1")!);
  strictEqual(await a.whoIs("CP1"), undefined);
});

test("a client that goes in the moment in which it is asked for is gone, at once", async () => {
  await using nats = await NatsServer.start();
  await using a = await Instance.ready([nats.host]);
  await using b = await Instance.ready([nats.host]);
  for (let i = 0; i < 40; i++) {
    b.connect("CP1", `c${1000 + i}`);
    ok(await a.whoIs("CP1") !== undefined);
    b.disconnect(b.clients.get("CP1")!);
    const start = performance.now();
    strictEqual(await a.whoIs("CP1"), undefined);
    // A question without an answer would take 1.5 s.
    ok(performance.now() - start < 1400);
  }
});

test("a request reaches the holder as it was, and its reply comes back", async () => {
  await using nats = await NatsServer.start();
  await using a = await Instance.ready([nats.host]);
  await using b = await Instance.ready([nats.host]);
  const id = "a.b >*é😀%2E";
  b.connect(id, "c1");
  const payload = '{"a":1.0,"u":"\\u00e9é","n":12345678901234567890,"a":2}';
  const requests = [
    { kind: "call", clientId: id, action: "A b", messageId: "m1", payload, waitSeconds: null },
    { kind: "call", clientId: id, action: "A", messageId: "m2", payload, waitSeconds: 3 },
    { kind: "send", clientId: id, action: "A", messageId: "m3", payload },
    { kind: "close", clientId: id },
  ] as const;
  const replies: ClientReply[] = [
    { kind: "refused", reason: "duplicate" },
    { kind: "outcome", outcome: { kind: "result", payload } },
    { kind: "refused", reason: "no_send" },
    { kind: "accepted" },
  ];
  for (const [k, request] of requests.entries()) {
    let isErrand: boolean | undefined;
    b.answer = (got, errand) => {
      deepStrictEqual(got, request);
      isErrand = errand !== undefined;
      return replies[k]!;
    };
    deepStrictEqual(await a.bus.ask(request), replies[k]);
    strictEqual(isErrand, k === 0, "only a CALL with its outcome for the backend is an errand");
  }
  const described = await a.bus.ask({ kind: "describe", clientId: id });
  deepStrictEqual(described, { kind: "client", client: b.clients.get(id) });
  deepStrictEqual(await a.call("nobody", "m1"), gone);
});

test("what is larger than NATS takes is refused, and so is an answer that large", async () => {
  await using nats = await NatsServer.start("max_payload: 4KB");
  await using a = await Instance.ready([nats.host]);
  await using b = await Instance.ready([nats.host]);
  b.connect("CP1", "c1");
  const large = JSON.stringify({ s: "é".repeat(3000) });
  deepStrictEqual(await a.call("CP1", "m1", null, large), { kind: "refused", reason: "too_large" });
  b.answer = () => ({ kind: "outcome", outcome: { kind: "result", payload: large } });
  const reply = await a.call("CP1", "m2", 3);
  strictEqual(reply.kind === "outcome" && reply.outcome.kind, "gone");
  match(JSON.stringify(reply), /"wasSent":true,"reason":"[^"]*larger than NATS takes/);
  // Neither of them ended anything.
  b.answer = () => ({ kind: "accepted" });
  deepStrictEqual(await a.call("CP1", "m3"), { kind: "accepted" });
});

test("pages of all others come, in parts when they are larger than NATS takes", async () => {
  await using nats = await NatsServer.start("max_payload: 4KB");
  await using a = await Instance.ready([nats.host]);
  await using b = await Instance.ready([nats.host]);
  await using c = await Instance.ready([nats.host]);
  for (let i = 0; i < 100; i++) b.connect(`CP${100 + i}${"x".repeat(i % 7 * 30)}`, `c${i}`);
  c.connect("CP1", "c1");
  await until("both pages", async () => (await pagesOf(a.bus, null, 10)).length === 2);
  const seen: string[] = [];
  for (let after: string | null = null;;) {
    const pages = await pagesOf(a.bus, after, 100);
    deepStrictEqual(pages.map(({ total }) => total).sort(), [1, 100]);
    const page = pages.find(({ total }) => total === 100)!;
    seen.push(...page.clients.map(({ clientId }) => clientId));
    if (!page.hasMore) break;
    ok(page.clients.length > 0);
    after = page.clients.at(-1)!.clientId;
  }
  deepStrictEqual(seen, [...b.clients.keys()].sort());
});

test("an instance that left is not waited for", async () => {
  await using nats = await NatsServer.start();
  await using a = await Instance.ready([nats.host]);
  const b = await Instance.ready([nats.host]);
  b.connect("CP1", "c1");
  await until("the page of the other", async () => (await pagesOf(a.bus, null, 10)).length === 1);
  await b.bus.close(5000);
  const before = a.log.count("instances without an answer");
  deepStrictEqual(await pagesOf(a.bus, null, 10), []);
  strictEqual(a.log.count("instances without an answer"), before);
  deepStrictEqual(await a.call("CP1", "m1"), gone);
});

test("a silent instance holds a list up for its time only", async () => {
  await using nats = await NatsServer.start();
  await using cable = new Cable(nats.port);
  await using a = await Instance.ready([nats.host]);
  await using b = await Instance.ready([nats.host]);
  await using c = await Instance.ready([`127.0.0.1:${cable.port}`]);
  b.connect("CP1", "c1");
  c.connect("CP2", "c2");
  await until("both pages", async () => (await pagesOf(a.bus, null, 10)).length === 2);
  const warnings = (): number => a.log.count("warn instances without an answer");
  // On a busy machine one may have been late before.
  const before = warnings();
  cable.silence();
  const start = performance.now();
  const pages = await pagesOf(a.bus, null, 10);
  ok(performance.now() - start < 3000);
  deepStrictEqual(pages.map(({ clients }) => clients.map(({ clientId }) => clientId)), [["CP1"]]);
  strictEqual(warnings(), before + 1);
  cable.mend();
});

test("gateways with different subjects do not see each other on one NATS", async () => {
  await using nats = await NatsServer.start();
  await using a = await Instance.ready([nats.host], "one");
  await using b = await Instance.ready([nats.host], "two");
  a.connect("CP1", "c1");
  b.connect("CP1", "c2");
  b.connect("CP2", "c3");
  strictEqual(await a.whoIs("CP2"), undefined);
  deepStrictEqual(await pagesOf(a.bus, null, 10), []);
  deepStrictEqual([a.closed, b.closed], [[], []]);
});

test("malformed messages end nothing", async () => {
  await using nats = await NatsServer.start();
  await using a = await Instance.ready([nats.host]);
  await using b = await Instance.ready([nats.host]);
  b.connect("CP1", "c1");
  const stranger = await connect({ servers: nats.host });
  try {
    const texts = ["", "{", "null", "1", "[]", "{}", '"ask"', '{"kind":"ask"}', '{"kind":1}'];
    const kinds = ["ask", "ended", "attached", "alive", "ping", "hello", "bye", "page", "find"];
    texts.push(...kinds.map((kind) => `{"kind":"${kind}"}`));
    texts.push('{"kind":"ask","from":"x","number":1,"request":{"kind":"call"}}');
    texts.push('{"kind":"page","after":7,"limit":"x"}', '{"kind":"attached","connectionId":{}}');
    for (const subject of ["all", `peer.${b.peerId}`, "client.CP1", "client.%zz"]) {
      for (const text of texts) {
        stranger.publish(`test.${subject}`, text, { reply: "nowhere" });
        stranger.publish(`test.${subject}`, new Uint8Array([0xff, 0xfe, 0x00]));
        stranger.publish(`test.${subject}`, text);
      }
    }
    await stranger.flush();
    strictEqual(await a.whoIs("CP1"), "c1");
    deepStrictEqual(await a.call("CP1", "m1"), { kind: "accepted" });
    deepStrictEqual([b.clients.size, b.lostCalls], [1, []]);
    // Answers are not understood either.
    stranger.subscribe("test.client.CP2", { callback: (_, message) => void message.respond("{") });
    await stranger.flush();
    deepStrictEqual(await a.call("CP2", "m1"), unavailable);
  } finally {
    await stranger.close();
  }
});

test("without NATS at the start nothing is found, and all is when it comes", async () => {
  const port = closedPort();
  await using a = new Instance([`127.0.0.1:${port}`]);
  await using b = new Instance([`127.0.0.1:${port}`]);
  a.connect("CP1", "c1");
  b.connect("CP1", "c2");
  b.connect("CP2", "c3");
  strictEqual(a.bus.isAvailable, false);
  deepStrictEqual(await a.call("CP2", "m1"), unavailable);
  deepStrictEqual(await pagesOf(a.bus, null, 10), []);
  await until("a word of it", () => a.log.count("error nats cannot be reached") === 1);
  await using _nats = await NatsServer.start("", { port });
  await until("both there", () => a.bus.isAvailable && b.bus.isAvailable);
  strictEqual(await a.whoIs("CP2"), "c3");
  await until("the older one's close", () => a.closed.includes("c1"));
  strictEqual(await a.whoIs("CP1"), "c2");
  strictEqual(a.log.count("nats cannot be reached"), 1);
});

test("a bus that is closed while NATS is away leaves nothing behind", async () => {
  const a = new Instance([`127.0.0.1:${closedPort()}`]);
  await until("a first try", () => a.log.count("nats cannot be reached") === 1);
  await a.bus.close(5000);
});

test("a connection that the library gives up is made anew", async () => {
  await using nats = await NatsServer.start();
  await using a = await Instance.ready([nats.host]);
  await using b = await Instance.ready([nats.host]);
  b.connect("CP1", "c1");
  strictEqual(await a.whoIs("CP1"), "c1");
  for (const { connection } of [a, b]) await connection!.close();
  await until("both noticed", () => !a.bus.isAvailable && !b.bus.isAvailable);
  b.connect("CP2", "c2");
  await until("both there", () => a.bus.isAvailable && b.bus.isAvailable);
  deepStrictEqual([await a.whoIs("CP1"), await a.whoIs("CP2")], ["c1", "c2"]);
});

test("after NATS was away clients are found again, and older ones replaced", async () => {
  await using nats = await NatsServer.startToRestart();
  await using a = await Instance.ready([nats.host]);
  await using b = await Instance.ready([nats.host]);
  a.connect("CP1", "c1");
  a.connect("CP2", "c2");
  strictEqual(await b.whoIs("CP1"), "c1");
  await nats.kill();
  await until("both cut off", () => !a.bus.isAvailable && !b.bus.isAvailable);
  deepStrictEqual(await b.call("CP1", "m1"), unavailable);
  b.connect("CP1", "c3");
  b.connect("CP3", "c4");
  a.disconnect(a.clients.get("CP2")!);
  // Their own second announcements are past, and went nowhere.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  await nats.restart();
  await until("both there", () => a.bus.isAvailable && b.bus.isAvailable);
  await until("the older one's close", () => a.closed.includes("c1"), 1500);
  strictEqual(await a.whoIs("CP1"), "c3");
  strictEqual(await a.whoIs("CP3"), "c4");
  strictEqual(await b.whoIs("CP2"), undefined);
});

test("an instance that is not back yet makes its clients unavailable, not gone", async () => {
  await using nats = await NatsServer.startToRestart();
  await using cable = new Cable(nats.port);
  await using a = await Instance.ready([nats.host]);
  await using b = await Instance.ready([`127.0.0.1:${cable.port}`]);
  b.connect("CP1", "c1");
  strictEqual(await a.whoIs("CP1"), "c1");
  cable.cut();
  await nats.kill();
  await until("both cut off", () => !a.bus.isAvailable && !b.bus.isAvailable);
  await nats.restart();
  await until("one there", () => a.bus.isAvailable);
  deepStrictEqual(await a.call("CP1", "m1"), unavailable);
  cable.mend();
  await until("the other one too", () => b.bus.isAvailable);
  strictEqual(await a.whoIs("CP1"), "c1");
});

test("servers of a NATS cluster that come together again keep the newest of each client", async () => {
  await using one = await NatsServer.start(
    'server_name: one\ncluster { name: c, listen: "127.0.0.1:-1", no_advertise: true }',
    { isClustered: true },
  );
  await using cable = new Cable(one.routePort);
  cable.cut();
  await using two = await NatsServer.start(
    'server_name: two\ncluster { name: c, listen: "127.0.0.1:-1", no_advertise: true\n' +
      `routes: ["nats://127.0.0.1:${cable.port}"] }`,
    { isClustered: true },
  );
  await using a = await Instance.ready([one.host]);
  await using b = await Instance.ready([two.host]);
  a.connect("CP1", "c1");
  b.connect("CP1", "c2");
  b.connect("CP2", "c1");
  a.connect("CP2", "c2");
  // The second announcement of a new client is past.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  deepStrictEqual([a.clients.size, b.clients.size], [2, 2]);
  cable.mend();
  await until("the close of the older ones", () => a.clients.size === 1 && b.clients.size === 1);
  deepStrictEqual([a.closed, b.closed], [["c1"], ["c1"]]);
});

test("instances that knew each other before their servers parted keep the newest too, whatever is asked", async () => {
  const cluster = 'cluster { name: c, listen: "127.0.0.1:-1", no_advertise: true';
  await using one = await NatsServer.start(`server_name: one\n${cluster} }`, { isClustered: true });
  await using cable = new Cable(one.routePort);
  await using two = await NatsServer.start(
    `server_name: two\n${cluster}\nroutes: ["nats://127.0.0.1:${cable.port}"] }`,
    { isClustered: true },
  );
  await using a = await Instance.ready([one.host]);
  await using b = await Instance.ready([two.host]);
  const know = async ({ bus }: Instance): Promise<boolean> =>
    (await pagesOf(bus, null, 1)).length === 1;
  await until("both know each other", async () => await know(a) && await know(b));
  cable.cut();
  // Longer than they say nothing while all is well.
  await new Promise((resolve) => setTimeout(resolve, 6500));
  a.connect("CP1", "c1");
  b.connect("CP1", "c2");
  b.connect("CP2", "c1");
  a.connect("CP2", "c2");
  await new Promise((resolve) => setTimeout(resolve, 2500));
  // What else they hear of each other in that moment hides nothing.
  let isAsking = true;
  const asking = [a, b].map(async ({ bus }) => {
    while (isAsking) await bus.ask({ kind: "describe", clientId: "nobody" });
  });
  cable.mend();
  try {
    await until("the close of the older ones", () => a.clients.size === 1 && b.clients.size === 1);
  } finally {
    isAsking = false;
    await Promise.all(asking);
  }
  deepStrictEqual([a.closed, b.closed], [["c1"], ["c1"]]);
});

test("who is cut off forgets all when it is back, and so do the others when it told them something", async () => {
  await using nats = await NatsServer.start();
  await using cable = new Cable(nats.port);
  await using a = await Instance.ready([`127.0.0.1:${cable.port}`]);
  await using b = await Instance.ready([nats.host]);
  await until("both know each other", async () => (await pagesOf(b.bus, null, 1)).length === 1);
  const cutAndMend = async (between: () => void): Promise<void> => {
    cable.cut();
    await until("the cut", () => !a.bus.isAvailable);
    between();
    cable.mend();
    await until("its end", () => a.bus.isAvailable);
  };
  for (const each of [a, b]) each.forgotten.length = 0;
  await cutAndMend(() => b.bus.forget("CP1"));
  await until("what it did not hear", () => a.forgotten.includes(null));
  b.bus.forget("CP2");
  await until("what it hears", () => a.forgotten.includes("CP2"));
  deepStrictEqual(b.forgotten, []);
  await cutAndMend(() => a.bus.forget("CP3"));
  await until("what could not be told", () => b.forgotten.includes(null));
  a.bus.forget("CP4");
  await until("what can", () => b.forgotten.includes("CP4"));
  deepStrictEqual(b.forgotten, [null, "CP4"]);
});

test("clients of an instance that alone loses NATS are not said to be gone, from the first moment on", async () => {
  await using nats = await NatsServer.start();
  await using cable = new Cable(nats.port);
  await using a = await Instance.ready([nats.host]);
  await using b = await Instance.ready([`127.0.0.1:${cable.port}`]);
  await using c = await Instance.ready([nats.host]);
  b.connect("CP1", "c1");
  for (const each of [a, c]) {
    await until("the client", async () => await each.whoIs("CP1") === "c1");
    strictEqual(await each.whoIs("nobody"), undefined);
  }
  cable.cut();
  for (const each of [a, c]) {
    deepStrictEqual(await each.call("CP1", "m1"), unavailable);
    deepStrictEqual(await each.call("nobody", "m1"), unavailable);
  }
  cable.mend();
  await until("the client", async () => {
    const reply = await a.bus.ask({ kind: "describe", clientId: "CP1" });
    return reply.kind === "client";
  });
  await until("that it is known again who is nowhere", async () => {
    const reply = await a.call("nobody", "m1");
    return reply.kind === "refused" && reply.reason === "gone";
  });
});

test("who left with a word, or begins anew in its own place, leaves nobody unavailable", async () => {
  await using nats = await NatsServer.start();
  await using a = await Instance.ready([nats.host]);
  const b = await Instance.ready([nats.host]);
  b.connect("CP1", "c1");
  strictEqual(await a.whoIs("CP1"), "c1");
  await b.bus.close(5000);
  deepStrictEqual(await a.call("CP1", "m1"), gone);
  // Killed: it says nothing any more, and its successor listens where it did.
  await using cable = new Cable(nats.port);
  const place = ":4000 0";
  await using killed = await Instance.ready([`127.0.0.1:${cable.port}`], "test", 1024, place);
  killed.connect("CP2", "c1");
  await until("the client", async () => await a.whoIs("CP2") === "c1");
  cable.cut();
  deepStrictEqual(await a.call("CP2", "m1"), unavailable);
  await using _successor = await Instance.ready([nats.host], "test", 1024, place);
  await until("that the client is gone", async () => {
    const reply = await a.call("CP2", "m1");
    return reply.kind === "refused" && reply.reason === "gone";
  });
});

test("a client comes back to an instance whose clock is behind, and stays", async () => {
  await using nats = await NatsServer.start();
  const ahead = { ...systemClock, wallNow: () => systemClock.wallNow() + 30_000 };
  await using a = await Instance.ready([nats.host], "test", 1024, undefined, ahead);
  await using b = await Instance.ready([nats.host]);
  await until("both know each other", async () => (await pagesOf(b.bus, null, 1)).length === 1);
  // The time that a message takes, and a busy machine lets it wait.
  await until("one time", () => Math.abs(a.time.wallNow() - b.time.wallNow()) <= 10);
  const idsOfA = new TimeOrderedIds(a.time, systemRandom);
  const idsOfB = new TimeOrderedIds(b.time, systemRandom);
  for (let i = 0; i < 20; i++) {
    a.connect(`CP${i}`, idsOfA.next());
    await until("the client", async () => await b.whoIs(`CP${i}`) !== undefined);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const newer = idsOfB.next();
    b.connect(`CP${i}`, newer);
    await until("the close of the older", () => !a.clients.has(`CP${i}`));
    strictEqual(await a.whoIs(`CP${i}`), newer);
  }
  deepStrictEqual(b.closed, []);
});
