import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { json, RecordingBackend } from "../support/backend.ts";
import { connected, handled } from "../support/connected.ts";
import { inTime } from "../support/deadline.ts";
import { TestGateway } from "../support/gateway.ts";
import { scrape } from "../support/metrics.ts";
import { KeptLog } from "../support/nats.ts";
import { testEachWebSocket as test } from "../support/websockets.ts";

const PROTOCOLS = ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"] as const;

/** Resolves when so many CALLs to clients wait for their turn. */
async function whenQueued(gateway: TestGateway, count: number): Promise<void> {
  while ((await scrape(gateway)).get("ws2api_queued_calls") !== count);
}

test("CALLs go out in the order of acceptance, each as soon as one before it is over", async (t) => {
  const CALLS = 20;
  for (const concurrency of [1, 2, 8]) {
    await t.step(`${concurrency} at a time`, async () => {
      await using backend = new RecordingBackend();
      await using gateway = await TestGateway.start(backend.url, [
        `--call-concurrency=${concurrency}`,
      ]);
      const client = await connected(gateway);
      const ids = Array.from({ length: CALLS }, (_, i) => `m${i}`);
      for (const id of ids) strictEqual((await gateway.call(`Act/CP1/${id}`)).status, 202);
      const answered: string[] = [];
      let outstanding: string[] = [];
      for (let sent = 0; answered.length < CALLS;) {
        while (outstanding.length < concurrency && sent < CALLS) {
          strictEqual(await client.next(), `[2,"${ids[sent]}","Act",{}]`);
          outstanding.push(ids[sent++]!);
        }
        await handled(client);
        deepStrictEqual(client.left, [], "no CALL more than that");
        // The client answers in an order of its own: the last one first, then the first one.
        const id = answered.length % 2 === 0 ? outstanding.at(-1)! : outstanding[0]!;
        outstanding = outstanding.filter((other) => other !== id);
        client.send(`[3,"${id}",{}]`);
        answered.push(id);
      }
      for (const id of answered) strictEqual((await backend.next()).path, `/result/Act/CP1/${id}`);
      ok(concurrency === 1 || answered.join() !== ids.join());
    });
  }
});

test("CALLs with and without Prefer: wait have one queue, and one answer each", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway);
  const waiting = [];
  for (const id of ["1", "2", "3", "4", "5"]) {
    if (Number(id) % 2 === 1) {
      strictEqual((await gateway.call(`Act/CP1/${id}`)).status, 202);
      continue;
    }
    waiting.push(gateway.call(`Act/CP1/${id}`, "{}", { prefer: "wait=20" }));
    await inTime(whenQueued(gateway, Number(id) - 1), `${id} in the queue`);
  }
  for (const id of ["1", "2", "3", "4", "5"]) {
    strictEqual(await client.next(), `[2,"${id}","Act",{}]`);
    client.send(`[3,"${id}",{"n":${id}.0}]`);
  }
  deepStrictEqual((await Promise.all(waiting)).map(({ text }) => text), ['{"n":2.0}', '{"n":4.0}']);
  for (const id of ["1", "3", "5"]) {
    strictEqual((await backend.next()).path, `/result/Act/CP1/${id}`);
  }
});

test("a client that does not answer holds up no other client", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--call-concurrency=2"]);
  const mute = await connected(gateway, "mute");
  const other = await connected(gateway, "other");
  for (const id of ["1", "2", "3"]) await gateway.call(`Act/mute/${id}`);
  for (const id of ["1", "2"]) strictEqual(await mute.next(), `[2,"${id}","Act",{}]`);
  for (let i = 0; i < 10; i++) {
    await gateway.call(`Act/other/${i}`);
    strictEqual(await other.next(), `[2,"${i}","Act",{}]`);
    other.send(`[3,"${i}",{}]`);
    strictEqual((await backend.next()).path, `/result/Act/other/${i}`);
  }
  await handled(mute);
  deepStrictEqual(mute.left, []);
});

test("an answer that comes late or twice ends no CALL, is counted and logged", async (t) => {
  for (const protocol of PROTOCOLS) {
    await t.step(protocol, async () => {
      await using backend = new RecordingBackend();
      const log = new KeptLog();
      await using gateway = await TestGateway.start(backend.url, ["--call-timeout=700ms"], log);
      const client = await connected(gateway, "CP1", { protocols: [protocol] });
      await gateway.call("Act/CP1/1");
      strictEqual((await backend.next()).path, "/error/Act/CP1/1");
      await client.next("[2,");
      const waiting = gateway.call("Act/CP1/2", "{}", { prefer: "wait=10" });
      strictEqual(await client.next("[2,"), '[2,"2","Act",{}]');
      // Late, and then twice.
      client.send('[3,"1",{"late":1}]');
      client.send('[4,"1","Late","",{}]');
      client.send('[3,"2",{"n":1}]');
      client.send('[3,"2",{"n":2}]');
      client.send('[4,"2","Code","",{}]');
      deepStrictEqual([(await waiting).status, (await waiting).text], [200, '{"n":1}']);
      await handled(client);
      strictEqual((await scrape(gateway)).get('ws2api_faults_total{code="unmatched"}'), 4);
      strictEqual(log.count("warn answer to no outstanding CALL"), 4);
      await gateway.shutdown();
      strictEqual(backend.requests.length, 1);
    });
  }
});

test("CALLs of both sides cross, with one MessageId, and neither waits for the other", async (t) => {
  for (const protocol of PROTOCOLS) {
    await t.step(protocol, async () => {
      await using backend = new RecordingBackend();
      const held = Promise.withResolvers<void>();
      backend.answer = async ({ path }) => {
        if (path === "/call/Slow/CP1/1") await held.promise;
        return json("{}");
      };
      await using gateway = await TestGateway.start(backend.url);
      const client = await connected(gateway, "CP1", { protocols: [protocol] });
      client.send('[2,"1","Slow",{}]');
      await backend.next("/call/Slow/");
      await gateway.call("Act/CP1/1");
      strictEqual(await client.next(), '[2,"1","Act",{}]');
      // More of its own while it owes an answer: they are refused nothing, and wait their turn.
      client.send('[2,"2","Next",{}]');
      client.send('[3,"1",{"answer":1}]');
      strictEqual((await backend.next("/result/Act/CP1/1")).body, '{"answer":1}');
      await gateway.call("Act/CP1/2");
      strictEqual(await client.next(), '[2,"2","Act",{}]');
      held.resolve();
      strictEqual(await client.next(), '[3,"1",{}]');
      strictEqual(await client.next(), '[3,"2",{}]');
      client.send('[4,"2","Code","",{}]');
      await backend.next("/error/Act/CP1/2");
      deepStrictEqual(backend.paths(), [
        "/call/Slow/CP1/1",
        "/result/Act/CP1/1",
        "/call/Next/CP1/2",
        "/error/Act/CP1/2",
      ]);
    });
  }
});

test("SENDs keep their place among the client's CALLs, and are no duplicates of them", async () => {
  await using backend = new RecordingBackend();
  const held = Promise.withResolvers<void>();
  backend.answer = async ({ path }) => {
    if (path === "/call/Act/CP1/1") await held.promise;
    return json("{}", path.startsWith("/send/") ? 500 : 200);
  };
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway, "CP1", { protocols: ["ocpp2.1"] });
  client.send('[2,"1","Act",{}]');
  await backend.next();
  const send = (id: string): void => client.send(`[6,"${id}","S",{}]`);
  const call = (id: string): void => client.send(`[2,"${id}","Act",{}]`);
  send("1");
  send("1");
  call("2");
  send("2");
  send("3");
  call("3");
  call("1");
  client.send('[2,"1","Other",{}]');
  deepStrictEqual(JSON.parse(await client.next()).slice(0, 3), [4, "1", "RpcFrameworkError"]);
  held.resolve();
  strictEqual(await client.next(), '[3,"1",{}]');
  strictEqual(await client.next(), '[3,"2",{}]');
  strictEqual(await client.next(), '[3,"3",{}]');
  await handled(client);
  deepStrictEqual(client.left, [], "a SEND is never answered, whatever the backend says");
  deepStrictEqual(backend.paths(), [
    "/call/Act/CP1/1",
    "/send/S/CP1/1",
    "/send/S/CP1/1",
    "/call/Act/CP1/2",
    "/send/S/CP1/2",
    "/send/S/CP1/3",
    "/call/Act/CP1/3",
  ]);
});
