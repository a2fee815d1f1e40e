import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { ClientRate } from "../../lib/client/rate.ts";
import { HeldBack } from "../../lib/client/held_back.ts";
import { type Log, silentLog } from "../../lib/log/log.ts";
import { Cell } from "../../lib/metrics/tally.ts";
import { Backlog } from "../../lib/queue/backlog.ts";
import { Core, FAULTLESS, type HoldingSocket } from "../simulation/model/core.ts";
import { failed } from "../support/backend_reply.ts";
import { HeldClient } from "../support/held_client.ts";
import { KeptLog } from "../support/nats.ts";

type Client = HeldClient<HoldingSocket>;

/** How many clients the gauge says are held. */
function held({ core }: Client): number {
  return core.deps.metrics.clientsHeld.own;
}

/** Nothing of it is left. */
function isOver(client: Client): void {
  // Until then it is known which CALLRESULTs a client may refuse.
  client.core.clock.tick(10_000);
  deepStrictEqual([held(client), client.core.backlog.count, client.core.clock.timers], [0, 0, 0]);
}

function results(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `[3,"${prefix}${i}",{}]`);
}

/** The backend answers all that comes, one after the other, and turns of the event loop pass. */
async function replyToAll(client: Client): Promise<void> {
  for (let done = 0; done < client.requests.length; done++) {
    await client.reply();
    client.core.clock.tick(1);
  }
}

/** Bounds over all clients, and clients that share them. */
async function sharing(
  count: number,
  maxWaiting: number,
  deps: Parameters<typeof HeldClient.holding>[1] = {},
): Promise<[core: Core, clients: Client[]]> {
  const core = await Core.start({ ...FAULTLESS, maxQueue: 50, maxWaiting, protocol: "ocpp2.1" });
  const clients = await Promise.all(
    Array.from(
      { length: count },
      (_, i) => HeldClient.holding({}, deps, { core, clientId: `CP${i}` }),
    ),
  );
  return [core, clients];
}

Deno.test("a burst that is longer than the queue is answered whole, in its order, and nothing is refused", async (t) => {
  for (const maxQueue of [1, 2, 256]) {
    await t.step(`--max-queue ${maxQueue}`, async () => {
      const client = await HeldClient.holding({ maxQueue });
      client.sendCalls("c", 2000);
      strictEqual(client.socket.unread.length, 2000 - maxQueue - 1, "the rest is not read");
      await replyToAll(client);
      deepStrictEqual(client.frames, results("c", 2000));
      deepStrictEqual([client.metrics.queueFull.call.own, client.log.count("warn")], [0, 0]);
      strictEqual(client.socket.closedWith, undefined);
      isOver(client);
    });
  }
});

Deno.test("SENDs wait like CALLs, and none is dropped", async () => {
  const client = await HeldClient.holding({ maxQueue: 2 });
  for (let i = 0; i < 10; i++) client.send(`[6,"s${i}","Act",{}]`);
  await replyToAll(client);
  strictEqual(client.requests.length, 10);
  strictEqual(client.metrics.queueFull.send.own, 0);
  isOver(client);
});

Deno.test("a client is held with the message that takes the last place, and goes on when half of it is free", async (t) => {
  const rows: [maxQueue: number, repliesUntil: number][] = [[1, 1], [2, 1], [4, 2], [5, 3], [9, 5]];
  for (const [maxQueue, repliesUntil] of rows) {
    await t.step(`--max-queue ${maxQueue}`, async () => {
      const client = await HeldClient.holding({ maxQueue });
      client.sendCalls("c", maxQueue);
      ok(!client.socket.isHeld);
      client.sendCalls("last", 1);
      ok(client.socket.isHeld);
      strictEqual(held(client), 1);
      for (let i = 0; i < repliesUntil; i++) {
        ok(client.socket.isHeld, `${i} replies`);
        await client.reply();
        client.core.clock.tick(1);
      }
      ok(!client.socket.isHeld);
      strictEqual(held(client), 0);
    });
  }
});

Deno.test("a client that sends on and on is not held for each message", async () => {
  const client = await HeldClient.holding({ maxQueue: 100 });
  client.sendCalls("c", 1000);
  await replyToAll(client);
  strictEqual(client.frames.length, 1000);
  ok(client.socket.holds <= 20, `${client.socket.holds} times`);
});

Deno.test("a queue that is full by size holds likewise, and takes the message that was one too long", async () => {
  const client = await HeldClient.holding({ maxQueueChars: 20 });
  for (let i = 0; i < 5; i++) client.send(`[2,"c${i}","Act",{"a":"0123456789"}]`);
  strictEqual(client.socket.unread.length, 2, "one is with the backend, two wait");
  await replyToAll(client);
  deepStrictEqual(client.frames, results("c", 5));
  isOver(client);
});

Deno.test("what --client-rate slows down waits in the queue, and then the client is held", async () => {
  const core = await Core.start({ ...FAULTLESS, maxQueue: 2, protocol: "ocpp2.1" });
  const { clock } = core;
  const limited = new Cell();
  const rate = new ClientRate({ perSecond: 10, burst: 1 }, { clock, log: new KeptLog(), limited });
  const client = await HeldClient.holding({}, { rate }, { core });
  client.sendCalls("c", 6);
  strictEqual(client.socket.unread.length, 3);
  for (let i = 0; i < 6; i++) {
    await client.reply();
    clock.tick(100);
    await client.reply(0);
    await Promise.resolve();
  }
  deepStrictEqual(client.frames, results("c", 6));
  rate.stop();
  isOver(client);
});

Deno.test("a message that finds no room among all clients waits for its turn, the oldest first", async () => {
  const [core, [flood, ...others]] = await sharing(4, 8);
  flood!.sendCalls("f", 8);
  strictEqual(core.backlog.count, 8);
  for (const other of others) other.sendCalls("c", 2);
  deepStrictEqual(others.map(({ socket }) => socket.unread.length), [1, 1, 1], "one is kept");
  deepStrictEqual([held(flood!), core.backlog.count], [4, 8]);
  const order: number[] = [];
  for (let i = 0; i < 8; i++) {
    await flood!.reply();
    core.clock.tick(1);
    for (const [at, { requests }] of others.entries()) {
      if (requests.length > 0 && !order.includes(at)) order.push(at);
    }
  }
  deepStrictEqual(order, [0, 1, 2]);
  for (const other of others) {
    await replyToAll(other);
    deepStrictEqual(other.frames, results("c", 2));
  }
  deepStrictEqual(flood!.frames, results("f", 8));
  isOver(flood!);
});

Deno.test("who is held for want of room among all clients goes on when another thread has made it", async () => {
  const [count, chars] = [new Cell(), new Cell()];
  const backlog = new Backlog(4, 1e6, { count, chars });
  const core = await Core.start({ ...FAULTLESS, protocol: "ocpp2.1" });
  const { clock, deps: { metrics, log } } = core;
  const heldBack = new HeldBack({
    ...{ backlog, clock, log, maxKeptChars: 1000, isShuttingDown: () => false },
    held: metrics.clientsHeld,
  });
  const client = await HeldClient.holding({}, { backlog, heldBack }, { core });
  // As another thread would count it: nothing here is told.
  count.add(4);
  client.sendCalls("c", 2);
  clock.tick(1000);
  deepStrictEqual([held(client), client.requests.length], [1, 0]);
  count.add(-1);
  clock.tick(1000);
  strictEqual(client.requests.length, 1);
  await replyToAll(client);
  deepStrictEqual(client.frames, results("c", 2));
  strictEqual(held(client), 0);
  isOver(client);
});

Deno.test("when there is room again a few go on in each turn of the event loop, and all in the end", async () => {
  const [core, clients] = await sharing(101, 100);
  const [flood, ...others] = clients as [Client, ...Client[]];
  core.backlog.enter("{}".repeat(10));
  for (let i = 0; i < 99; i++) core.backlog.enter("{}");
  for (const other of others) other.sendCalls("c", 1);
  strictEqual(held(flood), 100);
  for (let i = 0; i < 99; i++) core.backlog.leave("{}");
  core.backlog.leave("{}".repeat(10));
  const began = (): number => others.filter(({ requests }) => requests.length > 0).length;
  core.clock.tick(50);
  const first = began();
  ok(first > 0 && first <= 32, `${first} at once`);
  for (const other of others) await replyToAll(other);
  for (let i = 0; i < 20; i++) {
    core.clock.tick(50);
    for (const other of others) await other.reply(other.requests.length - other.frames.length);
  }
  deepStrictEqual(others.map(({ frames }) => frames.length), others.map(() => 1));
  isOver(flood);
});

Deno.test("while much waits a client is held at its share of 16, and one without anything is served", async () => {
  const [core, [client, other]] = await sharing(2, 100);
  for (let i = 0; i < 50; i++) core.backlog.enter("{}");
  client!.sendCalls("c", 40);
  strictEqual(client!.requests.length + client!.socket.unread.length, 25);
  strictEqual(core.backlog.count, 66);
  other!.sendCalls("o", 1);
  strictEqual(other!.requests.length, 1);
  await replyToAll(client!);
  deepStrictEqual(client!.frames, results("c", 40));
  strictEqual(client!.log.count("warn"), 0);
});

Deno.test("what is kept of those without room is bounded: beyond it a CALL is refused, and its client held", async () => {
  const core = await Core.start({
    ...FAULTLESS,
    ...{ maxQueueChars: 10, maxWaiting: 1, protocol: "ocpp2.1" },
  });
  const open = (clientId: string): Promise<Client> =>
    HeldClient.holding({}, {}, { core, clientId });
  const [one, two, three] = [await open("CP1"), await open("CP2"), await open("CP3")];
  one.sendCalls("a", 1);
  two.send('[2,"b0","Act",{"a":"01234567"}]');
  three.sendCalls("c", 2);
  deepStrictEqual(three.frames, ['[4,"c0","InternalError","gateway overloaded",{}]']);
  deepStrictEqual([held(one), three.socket.unread.length], [3, 1]);
  for (let i = 0; i < 4; i++) {
    for (const client of [one, two, three]) {
      const due = client.requests.length - client.frames.filter((f) => f.startsWith("[3")).length;
      await client.reply(due);
      core.clock.tick(50);
    }
  }
  deepStrictEqual(two.frames, results("b", 1));
  deepStrictEqual(three.frames.slice(1), ['[3,"c1",{}]']);
  isOver(one);
});

Deno.test("a client that is held and ends leaves nothing behind", async (t) => {
  const connectionOf = ({ core }: Client) => core.connections.get("CP1")!;
  const ends: [name: string, code: number | undefined, end: (client: Client) => void][] = [
    ["it vanishes", undefined, ({ socket }) => socket.end(1006, "", false)],
    ["it is replaced", 1008, (client) => connectionOf(client).closeReplaced()],
    ["the operator closes it", 1000, (client) => connectionOf(client).closeByOperator()],
    ["the shutdown does", 1001, (client) => connectionOf(client).closeForShutdown()],
    ["memory is needed", undefined, (client) => connectionOf(client).cut()],
  ];
  for (const [name, code, end] of ends) {
    await t.step(`${name}, with a full queue`, async () => {
      const client = await HeldClient.holding({ maxQueue: 2 });
      client.sendCalls("c", 20);
      end(client);
      strictEqual(held(client), 0);
      strictEqual(client.socket.closedWith?.code, code);
      if (client.socket.state !== "closed") client.socket.end(code ?? 1006, "", true);
      await client.reply(0);
      await replyToAll(client);
      strictEqual(client.requests.length, 3, "what was taken goes to the backend");
      strictEqual(client.metrics.queueFull.call.own, 0);
      isOver(client);
    });
    await t.step(`${name}, for want of room among all clients`, async () => {
      const core = await Core.start({ ...FAULTLESS, maxWaiting: 1, protocol: "ocpp2.1" });
      const other = await HeldClient.holding({}, {}, { core, clientId: "CP2" });
      other.sendCalls("o", 1);
      const client = await HeldClient.holding({}, {}, { core });
      client.sendCalls("c", 20);
      strictEqual(held(client), 2);
      end(client);
      strictEqual(held(client), 1);
      if (client.socket.state !== "closed") client.socket.end(code ?? 1006, "", true);
      await client.reply(0);
      await replyToAll(other);
      deepStrictEqual([client.requests.length, client.log.count("warn")], [0, 0]);
      isOver(client);
    });
  }
  await t.step("the backend is away", async () => {
    const closesWhen = { isAway: false, isReachable: true };
    const client = await HeldClient.holding({ maxQueue: 2 }, { closesWhen });
    client.sendCalls("c", 20);
    closesWhen.isAway = true;
    await client.reply(1, failed("away"));
    strictEqual(client.socket.closedWith?.code, 1013);
    client.socket.end(1013, "", true);
    isOver(client);
  });
});

Deno.test("while the gateway shuts down what was read is finished, and nothing more is read", async () => {
  const core = await Core.start({ ...FAULTLESS, maxQueue: 4, maxWaiting: 6, protocol: "ocpp2.1" });
  let isShuttingDown = false;
  const { backlog, clock, deps: { log, metrics } } = core;
  const heldBack = new HeldBack({
    ...{ backlog, clock, log, isShuttingDown: () => isShuttingDown, maxKeptChars: 1000 },
    held: metrics.clientsHeld,
  });
  const client = await HeldClient.holding({}, { heldBack }, { core });
  const other = await HeldClient.holding({}, { heldBack }, { core, clientId: "CP2" });
  client.sendCalls("c", 20);
  other.sendCalls("o", 1);
  const late = await HeldClient.holding({}, { heldBack }, { core, clientId: "CP3" });
  late.sendCalls("l", 3);
  isShuttingDown = true;
  for (const connection of core.connections.all()) connection.closeWhenIdle();
  deepStrictEqual([client, other, late].map(({ socket }) => socket.state), [
    "open",
    "open",
    "open",
  ]);
  for (const each of [client, other, late]) await replyToAll(each);
  deepStrictEqual(client.frames, results("c", 5));
  deepStrictEqual(late.frames, results("l", 1), "what was kept of it had been read");
  for (const { socket } of [client, other, late]) {
    strictEqual(socket.closedWith?.code, 1001);
    socket.end(1001, "", true);
  }
  isOver(client);
});

Deno.test("--call-timeout runs on while the client is held: its answer is behind what it sent before", async () => {
  const client = await HeldClient.holding({ maxQueue: 1, callTimeoutMs: 3000 });
  const answer = client.core.call(["Reset", "CP1", "r1"], "{}", 60);
  while (!client.frames.includes('[2,"r1","Reset",{}]')) await client.reply(0);
  client.sendCalls("c", 5);
  client.send('[3,"r1",{}]');
  client.core.clock.tick(3000);
  await client.reply(0);
  const { status, body } = await answer;
  strictEqual(status, 504, body);
  await replyToAll(client);
  strictEqual(client.frames.filter((text) => text.startsWith("[3,")).length, 5);
  strictEqual(client.log.count("warn answer to no outstanding CALL"), 1);
});

Deno.test("the log says at debug who is held, and who goes on", async () => {
  const lines: string[] = [];
  const log: Log = {
    ...silentLog,
    isDebug: true,
    debug: (event, fields) => void lines.push(`${event} ${JSON.stringify(fields)}`),
  };
  const core = await Core.start({ ...FAULTLESS, maxQueue: 1, protocol: "ocpp2.1" });
  const { backlog, clock, deps: { metrics } } = core;
  const heldBack = new HeldBack({
    ...{ backlog, clock, log, isShuttingDown: () => false, maxKeptChars: 1000 },
    held: metrics.clientsHeld,
  });
  const client = await HeldClient.holding({}, { heldBack }, { core });
  client.sendCalls("c", 2);
  await replyToAll(client);
  const names = '{"clientId":"CP1","connectionId":"1"';
  deepStrictEqual(lines, [
    `client held back ${names},"waiting":2}`,
    `client goes on ${names}}`,
  ]);
});
