import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import type { BackendReply } from "../../lib/forwarder/forwarder.ts";
import { Backlog } from "../../lib/queue/backlog.ts";
import { Cell } from "../../lib/metrics/tally.ts";
import { failed, status } from "../support/backend_reply.ts";
import { HeldClient } from "../support/held_client.ts";

const CLOSED = { code: 1013, reason: "backend away" };

/** A client whose backend is away from when it is told. */
async function start(
  more: Parameters<typeof HeldClient.start>[1] = {},
  limits: Parameters<typeof HeldClient.start>[0] = {},
): Promise<{ client: HeldClient; reach: { isAway: boolean; isReachable: boolean } }> {
  const reach = { isAway: false, isReachable: true };
  return { client: await HeldClient.start(limits, { closesWhen: reach, ...more }), reach };
}

Deno.test("what came of a CALL closes its client, or is its answer", async (t) => {
  const own: BackendReply = { ok: true, status: 503, body: '{"code":"Busy"}' };
  const rows: [name: string, reply: BackendReply, isAway: boolean, closes: boolean][] = [
    ["it waited in vain", failed("away"), true, true],
    ["502 while it is away", status(502), true, true],
    ["503 while it is away", status(503), true, true],
    ["504 while it is away", status(504), true, true],
    ["502 before it is away", status(502), false, false],
    ["503 with a code of the backend's own", own, true, false],
    ["500", status(500), true, false],
    ["200", status(200), true, false],
    ["it hung", failed("timeout"), true, false],
    ["it broke off", failed("broken"), true, false],
  ];
  for (const [name, reply, isAway, closes] of rows) {
    await t.step(name, async () => {
      const { client, reach } = await start();
      client.sendCalls("c", 1);
      reach.isAway = isAway;
      await client.reply(1, reply);
      deepStrictEqual(client.socket.closedWith, closes ? CLOSED : undefined);
      strictEqual(client.frames.length, closes ? 0 : 1);
    });
  }
});

Deno.test("with --backend-away answer a CALL that waited in vain gets an error", async () => {
  const client = await HeldClient.start({});
  client.sendCalls("c", 1);
  await client.reply(1, failed("away"));
  deepStrictEqual(client.frames, ['[4,"c0","InternalError","the backend is away",{}]']);
  strictEqual(client.socket.closedWith, undefined);
});

Deno.test("what waits behind a CALL of a client that is closed is dropped, and counted", async () => {
  const { client, reach } = await start();
  client.sendCalls("c", 3);
  client.send('[6,"s","Act",{}]');
  reach.isAway = true;
  await client.reply(1, failed("away"));
  strictEqual(client.requests.length, 1);
  strictEqual(client.core.backlog.count, 0);
  const { droppedCalls } = client.metrics;
  deepStrictEqual([droppedCalls.call.own, droppedCalls.send.own], [3, 1]);
});

Deno.test("a new CALL closes a client that has one waiting, and takes that one along", async () => {
  const { client, reach } = await start();
  client.sendCalls("c", 1);
  reach.isAway = true;
  strictEqual(client.requests[0]!.isVoid, false);
  client.send('[2,"new","Act",{}]');
  deepStrictEqual(client.socket.closedWith, CLOSED);
  strictEqual(client.requests[0]!.isVoid, true, "it need not be sent any more");
  await client.reply(1, failed("away"));
  strictEqual(client.requests.length, 1);
  deepStrictEqual(client.frames, []);
  strictEqual(client.core.backlog.count, 0);
});

Deno.test("neither a repeat, nor a SEND, nor an answer closes a client", async (t) => {
  for (const text of ['[2,"c0","Act",{}]', '[6,"s","Act",{}]', '[3,"x",{}]']) {
    await t.step(text, async () => {
      const { client, reach } = await start();
      client.sendCalls("c", 1);
      reach.isAway = true;
      client.send(text);
      strictEqual(client.socket.closedWith, undefined);
    });
  }
});

Deno.test("a CALL that finds no room closes its client while the backend is away, or the gateway is full of what waits for it", async (t) => {
  for (const isAway of [true, false]) {
    await t.step(`its queue is full, ${isAway ? "away" : "not away"}`, async () => {
      const { client, reach } = await start({}, { maxQueue: 1 });
      client.sendCalls("c", 2);
      reach.isAway = isAway;
      client.send('[2,"more","Act",{}]');
      deepStrictEqual(client.socket.closedWith, isAway ? CLOSED : undefined);
      if (!isAway) match(client.frames[0]!, /"queue full"/);
    });
  }
  const rows: [isAway: boolean, isReachable: boolean, closes: boolean][] = [
    [true, false, true],
    [true, true, true],
    // What waits for it has filled the gateway before it counts as away.
    [false, false, true],
    [false, true, false],
  ];
  for (const [isAway, isReachable, closes] of rows) {
    await t.step(`the gateway is full, away ${isAway}, reachable ${isReachable}`, async () => {
      const [count, chars] = [new Cell(), new Cell()];
      const { client, reach } = await start({ backlog: new Backlog(0, 0, { count, chars }) });
      Object.assign(reach, { isAway, isReachable });
      client.send('[2,"more","Act",{}]');
      deepStrictEqual(client.socket.closedWith, closes ? CLOSED : undefined);
      if (!closes) match(client.frames[0]!, /"gateway overloaded"/);
    });
  }
});

Deno.test("a CALL that need not wait is forwarded: it may be the look", async () => {
  const { client, reach } = await start();
  reach.isAway = true;
  client.sendCalls("c", 1);
  strictEqual(client.requests.length, 1);
  strictEqual(client.socket.closedWith, undefined);
  await client.reply();
  deepStrictEqual(client.frames, ['[3,"c0",{}]']);
});

Deno.test("at a shutdown the client is closed for that", async () => {
  let isShuttingDown = false;
  const { client } = await start({ isShuttingDown: () => isShuttingDown });
  client.sendCalls("c", 1);
  isShuttingDown = true;
  await client.reply(1, failed("away"));
  strictEqual(client.socket.closedWith?.code, 1001);
});
