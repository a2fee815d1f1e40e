import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { HeldClient } from "../support/held_client.ts";

const REPEATED = "info CALL repeated, one answer serves both ";
const START = '[2,"s","StartTransaction",{"a":1.0}]';

Deno.test("a CALL that is repeated while it is handled is not answered twice; logged once, and counted", async () => {
  const client = await HeldClient.start({});
  client.send(START);
  for (let i = 0; i < 3; i++) client.send(START);
  deepStrictEqual(client.frames, []);
  strictEqual(client.metrics.repeatedCalls.own, 3);
  deepStrictEqual(client.log.lines.filter((line) => line.startsWith(REPEATED)), [
    `${REPEATED}{"clientId":"CP1","connectionId":"1","action":"StartTransaction","messageId":"s"}`,
  ]);
  await client.reply();
  deepStrictEqual(client.frames, ['[3,"s",{}]']);
  strictEqual(client.requests.length, 1);
});

Deno.test("one that still waits for its turn, or whose queue is full, is the same", async () => {
  const client = await HeldClient.start({ maxQueue: 1 });
  client.send('[2,"first","Act",{}]');
  client.send(START);
  client.send(START);
  client.send('[2,"first","Act",{}]');
  await client.reply(2);
  deepStrictEqual(client.frames, ['[3,"first",{}]', '[3,"s",{}]']);
  deepStrictEqual([client.log.count(REPEATED), client.metrics.queueFull.call.own], [2, 0]);
});

Deno.test("a repeat is what has the same Action and payload text, however the rest is written", async (t) => {
  const rows: [name: string, text: string, isRepeat: boolean][] = [
    ["blanks outside of the payload", ' [ 2, "s" ,"StartTransaction", {"a":1.0} ] ', true],
    ["an escape in the MessageId", '[2,"\\u0073","StartTransaction",{"a":1.0}]', true],
    ["an escape in the Action", '[2,"s","Start\\u0054ransaction",{"a":1.0}]', true],
    ["another number", '[2,"s","StartTransaction",{"a":2.0}]', false],
    ["the number in another way", '[2,"s","StartTransaction",{"a":1}]', false],
    ["a blank in the payload", '[2,"s","StartTransaction",{"a": 1.0}]', false],
    ["another Action", '[2,"s","StopTransaction",{"a":1.0}]', false],
    ["the Action in lower case", '[2,"s","starttransaction",{"a":1.0}]', false],
    ["no payload", '[2,"s","StartTransaction",{}]', false],
  ];
  for (const [protocol, code] of [["ocpp1.6", "ProtocolError"], ["ocpp2.1", "RpcFrameworkError"]]) {
    for (const [name, text, isRepeat] of rows) {
      await t.step(`${protocol}: ${name}`, async () => {
        const client = await HeldClient.start({}, {}, protocol);
        client.send(START);
        client.send(text);
        const answer = `[4,"s","${code}","the MessageId is still in use",{}]`
          .replace('"s"', text.includes("\\u0073") ? '"\\u0073"' : '"s"');
        deepStrictEqual(client.frames, isRepeat ? [] : [answer]);
        strictEqual(client.metrics.repeatedCalls.own, isRepeat ? 1 : 0);
        await client.reply();
        strictEqual(client.requests.length, 1);
      });
    }
  }
});

Deno.test("a SEND has no MessageId in common with a CALL, nor with another SEND", async () => {
  const client = await HeldClient.start({});
  for (const type of [2, 6, 6]) client.send(`[${type},"s","Act",{}]`);
  await client.reply(3);
  deepStrictEqual(client.requests.map(({ kind }) => kind), ["call", "send", "send"]);
});

Deno.test("a CALL under the MessageId of one that is done is a new one", async () => {
  const client = await HeldClient.start({});
  for (let i = 0; i < 3; i++) {
    client.send(START);
    client.send(START);
    await client.reply();
  }
  strictEqual(client.requests.length, 3);
  deepStrictEqual(client.frames, Array(3).fill('[3,"s",{}]'));
  strictEqual(client.log.count(REPEATED), 3, "once for each");
});

Deno.test("a station may repeat a CALL every few seconds for as long as it likes", async () => {
  const client = await HeldClient.start({});
  client.send(START);
  for (let i = 0; i < 5000; i++) {
    client.core.clock.tick(2000);
    client.send(START);
  }
  strictEqual(client.socket.closedWith, undefined);
  await client.reply();
  deepStrictEqual(client.frames, ['[3,"s",{}]']);
});

Deno.test("a large CALL that is repeated without a pause costs its sender the connection, and nothing is kept", async () => {
  const client = await HeldClient.start({});
  const large = `[2,"s","Act",{"a":"${"x".repeat(1024 ** 2 - 40)}"}]`;
  let sent = 0;
  while (client.socket.closedWith === undefined && sent < 100) {
    client.send(large);
    sent++;
  }
  deepStrictEqual(client.socket.closedWith, { code: 1008, reason: "too much to parse" });
  ok(sent <= 40, `${sent}`);
  strictEqual(client.core.backlog.count, 1);
});
