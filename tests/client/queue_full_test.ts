import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Cell } from "../../lib/metrics/tally.ts";
import { Backlog } from "../../lib/queue/backlog.ts";
import { HeldClient } from "../support/held_client.ts";

const CLOSED = { code: 1008, reason: "queue full" };
const FULL = "warn queue full ";

function fullAnswers(client: HeldClient): readonly string[] {
  return client.frames.filter((text) => text.includes('"queue full"'));
}

/** A client whose queue of two is full, and one CALL with the backend. */
async function full(...more: [protocol?: string]): Promise<HeldClient> {
  const client = await HeldClient.start({ maxQueue: 2 }, {}, ...more);
  client.sendCalls("taken", 3);
  return client;
}

Deno.test("a CALL that finds its queue full is answered at once, a SEND is dropped, and both are counted", async () => {
  const client = await full();
  client.send('[2,"a\\u002f","Act",{}]');
  client.send('[6,"b","Act",{}]');
  client.send('[2,"c","Act",{}]');
  deepStrictEqual(client.frames, [
    '[4,"a\\u002f","InternalError","queue full",{}]',
    '[4,"c","InternalError","queue full",{}]',
  ]);
  strictEqual(client.socket.closedWith, undefined);
  const { queueFull } = client.metrics;
  deepStrictEqual([queueFull.call.own, queueFull.send.own], [2, 1]);
  deepStrictEqual(client.log.lines.filter((line) => line.startsWith(FULL)), [
    `${FULL}{"clientId":"CP1","connectionId":"1","waiting":2}`,
  ]);
  await client.reply(3);
  deepStrictEqual(client.requests.map(({ path }) => path), [
    "call/Act/CP1/taken0",
    "call/Act/CP1/taken1",
    "call/Act/CP1/taken2",
  ]);
  strictEqual(client.core.backlog.count, 0);
});

Deno.test("what finds a place again is taken, in its order, under a MessageId that was refused before too", async () => {
  const client = await full();
  client.send('[2,"a","Act",{}]');
  await client.reply();
  client.send('[2,"a","Act",{}]');
  client.send('[2,"b","Act",{}]');
  await client.reply(3);
  deepStrictEqual(client.frames, [
    '[4,"a","InternalError","queue full",{}]',
    '[3,"taken0",{}]',
    '[4,"b","InternalError","queue full",{}]',
    '[3,"taken1",{}]',
    '[3,"taken2",{}]',
    '[3,"a",{}]',
  ]);
  strictEqual(client.log.count(FULL), 2, "each time when it fills up");
});

Deno.test("a queue that is full by size refuses likewise", async () => {
  const client = await HeldClient.start({ maxQueueChars: 20 });
  for (const id of ["1", "2", "3", "4"]) client.send(`[2,"${id}","Act",{"a":"01234"}]`);
  deepStrictEqual(client.frames, ['[4,"4","InternalError","queue full",{}]']);
});

Deno.test("what finds no place is not looked at", async () => {
  let looked = 0;
  const client = await HeldClient.start({ maxQueue: 1 }, { inspect: () => void looked++ });
  client.sendCalls("taken", 2);
  client.sendCalls("refused", 5);
  strictEqual(looked, 2);
});

Deno.test("a client is closed after 1,000 refusals in a row, of which SENDs are some", async () => {
  const client = await full();
  client.sendCalls("a", 998);
  client.send('[6,"b","Act",{}]');
  client.core.clock.tick(5000);
  strictEqual(client.socket.closedWith, undefined);
  client.send('[2,"c","Act",{}]');
  strictEqual(fullAnswers(client).length, 999, "the last CALL too");
  client.core.clock.tick(1000);
  deepStrictEqual(client.socket.closedWith, CLOSED);
  strictEqual(client.log.count("warn closed for a queue that is full"), 1);
});

Deno.test("they are in a row while none is taken in between: a station that goes on in pace is not closed", async () => {
  const client = await full();
  for (let i = 0; i < 5; i++) {
    client.sendCalls(`a${i}-`, 999);
    await client.reply();
    client.send(`[2,"taken${3 + i}","Act",{}]`);
  }
  client.core.clock.tick(5000);
  strictEqual(client.socket.closedWith, undefined);
  strictEqual(fullAnswers(client).length, 5 * 999);
});

Deno.test("no more than 10,000 are refused in a second, however many are taken in between", async () => {
  const client = await full();
  let sent = 0;
  for (let second = 0; second < 3; second++) {
    for (let i = 0; i < 12; i++) {
      client.sendCalls(`a${sent++}-`, 830);
      await client.reply();
      client.send(`[2,"taken${sent}","Act",{}]`);
    }
    strictEqual(client.socket.closedWith, undefined);
    client.core.clock.tick(1000);
  }
  for (let i = 0; i < 12; i++) {
    client.sendCalls(`a${sent++}-`, 834);
    await client.reply();
    client.send(`[2,"taken${sent}","Act",{}]`);
  }
  deepStrictEqual(client.socket.closedWith, { code: 1008, reason: "too much to parse" });
});

Deno.test("a place that gets free begins no new row by itself", async () => {
  const client = await full();
  client.sendCalls("a", 999);
  await client.reply();
  strictEqual(client.socket.closedWith, undefined);
  // Taken, and the queue is full again.
  client.send('[2,"b","Act",{}]');
  client.sendCalls("c", 1);
  client.core.clock.tick(1000);
  strictEqual(client.socket.closedWith, undefined);
});

Deno.test("what was taken before the close is answered first, and nothing more is taken", async () => {
  const client = await full();
  client.sendCalls("a", 1000);
  await client.reply();
  client.sendCalls("late", 2);
  await client.reply();
  strictEqual(client.socket.closedWith, undefined);
  await client.reply();
  deepStrictEqual(client.socket.closedWith, CLOSED);
  deepStrictEqual(client.frames.slice(1000), [
    '[3,"taken0",{}]',
    '[3,"taken1",{}]',
    '[3,"taken2",{}]',
  ]);
  strictEqual(client.requests.length, 3);
});

Deno.test("a client that goes on after that is closed at once, and cut in the end", async () => {
  const client = await full();
  client.sendCalls("a", 1999);
  strictEqual(client.socket.closedWith, undefined);
  strictEqual(fullAnswers(client).length, 1000, "the rest is not answered");
  client.sendCalls("b", 1);
  deepStrictEqual(client.socket.closedWith, CLOSED);
  client.sendCalls("c", 1000);
  ok(client.socket.wasCut);
});

Deno.test("a client that goes before the close leaves nothing behind", async () => {
  const client = await full();
  client.sendCalls("a", 1000);
  client.socket.end(1001, "", true);
  strictEqual(client.core.clock.timers, 0);
  await client.reply(3);
  strictEqual(client.socket.closedWith, undefined);
  strictEqual(client.log.count("closed for a queue"), 0);
  strictEqual(client.core.backlog.count, 0);
});

Deno.test("a client that does not read its refusals is closed for that, and leaves no timer but its close's", async () => {
  const client = await full();
  client.socket.bufferedAmount = 1024 ** 3;
  client.sendCalls("a", 1000);
  strictEqual(client.socket.closedWith?.reason, "not reading");
  client.socket.end(1008, "", true);
  await client.reply(3);
  strictEqual(client.core.clock.timers, 0);
});

Deno.test("a CALL to a client whose own queue is full goes its way, and ends", async () => {
  const client = await full();
  client.send('[2,"a","Act",{}]');
  const answer = client.core.call(["Reset", "CP1", "r1"], "{}", 10);
  await client.reply(0);
  while (!client.frames.includes('[2,"r1","Reset",{}]')) await client.reply(0);
  client.send('[3,"r1",{"a":1}]');
  const { status, body } = await answer;
  deepStrictEqual([status, body], [200, '{"a":1}']);
});

Deno.test("while the backlog is half full no client may have more than 16 waiting, and one without any is served", async () => {
  const gauge = () => new Cell();
  const gauges = { count: gauge(), chars: gauge(), disconnects: gauge() };
  const backlog = new Backlog(100, 1_000_000, gauges);
  const client = await HeldClient.start({ maxQueue: 50 }, { backlog });
  for (let i = 0; i < 50; i++) backlog.enter("{}");
  client.sendCalls("a", 18);
  client.send('[6,"s","Act",{}]');
  deepStrictEqual(
    client.frames,
    ["a16", "a17"].map((id) => `[4,"${id}","InternalError","gateway overloaded",{}]`),
  );
  strictEqual(client.log.count("warn gateway overloaded "), 3);
  await client.reply(1);
  client.sendCalls("b", 2);
  strictEqual(client.frames.length, 4, "one of two");
  for (let i = 0; i < 30; i++) backlog.leave("{}");
  client.sendCalls("c", 13);
  strictEqual(client.frames.length, 4, "it may again");
  await client.reply(29);
  strictEqual(client.requests.length, 30);
});
