import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { json, RecordingBackend } from "../support/backend.ts";
import type { TestClient } from "../support/client.ts";
import { until } from "../support/deadline.ts";
import { TestGateway } from "../support/gateway.ts";
import { ByteSocket, closeBytes, frameBytes, joined } from "../support/websocket_bytes.ts";
import { scrape } from "../support/metrics.ts";

/** What a station kept while it was offline, as it sends it when it is back. */
function meterValues(count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const timestamp = new Date(Date.UTC(2026, 0, 1) + i * 60_000).toISOString();
    const sampledValue = [{ value: `${1000 + i}.0`, measurand: "Energy.Active.Import.Register" }];
    const payload = { connectorId: 1, transactionId: 7, meterValue: [{ timestamp, sampledValue }] };
    return JSON.stringify([2, `m${i}`, "MeterValues", payload]);
  });
}

/** Sends all of it at once, and takes as many answers. */
async function flush(client: TestClient, count: number): Promise<string[]> {
  for (const text of meterValues(count)) client.send(text);
  await until(`${count} answers`, () => client.left.length >= count, 120_000);
  return [...client.left];
}

function expected(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `[3,"m${i}",{}]`);
}

/** Answers a little later. */
function slow(): Promise<Response> {
  return new Promise((resolve) => setTimeout(() => resolve(json("{}")), 1));
}

Deno.test("ws: a station that flushes 2,000 MeterValues in one burst over a slow backend gets all its answers, in order", async () => {
  await using backend = new RecordingBackend();
  backend.answer = slow;
  await using gateway = await TestGateway.start(backend.url, ["--websocket=ws"]);
  const client = await gateway.connect("CP1");
  let most = 0;
  const answers = flush(client, 2000);
  await until("the client to be held", async () => {
    const series = await scrape(gateway);
    most = Math.max(most, series.get("ws2api_waiting") ?? 0);
    return series.get("ws2api_clients_held") === 1;
  });
  deepStrictEqual(await answers, expected(2000));
  ok(most <= 257, `${most} waited`);
  deepStrictEqual(
    backend.paths(),
    Array.from({ length: 2000 }, (_, i) => `/call/MeterValues/CP1/m${i}`),
  );
  const series = await scrape(gateway);
  strictEqual(series.get('ws2api_queue_full_total{type="call"}'), 0);
  strictEqual(series.get("ws2api_clients_held"), 0);
});

Deno.test("ws: a hundred stations do so at once, and more than --max-waiting is on its way", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, [
    "--websocket=ws",
    "--max-waiting=1000",
  ]);
  const clients = await Promise.all(
    Array.from({ length: 100 }, (_, i) => gateway.connect(`CP${i}`)),
  );
  for (const answers of await Promise.all(clients.map((client) => flush(client, 200)))) {
    deepStrictEqual(answers, expected(200));
  }
  strictEqual(backend.requests.length, 20_000);
  strictEqual((await scrape(gateway)).get("ws2api_clients_held"), 0);
});

Deno.test("ws: a burst whose client closes right behind it reaches the backend whole", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--websocket=ws", "--max-queue=2"]);
  const client = await gateway.connect("CP1");
  for (const text of meterValues(300)) client.send(text);
  client.socket.close(1000, "bye");
  await until("all of it at the backend", () => backend.requests.length === 300);
  strictEqual((await client.whenClosed()).code, 1000);
});

Deno.test("ws: also when it does not wait for the end of its connection", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--websocket=ws", "--max-queue=2"]);
  using client = await ByteSocket.upgrade(gateway.url, "/CP1");
  const burst = meterValues(100).map((text) => frameBytes(text));
  await client.write(joined([...burst, closeBytes(1000, "bye")]));
  await client.endWriting();
  await until("all of it at the backend", () => backend.requests.length === 100);
});

Deno.test("ws: a station that is held hears that it is closed, and comes back", async () => {
  await using backend = new RecordingBackend();
  let answer = (): void => {};
  const answered = new Promise<void>((resolve) => answer = resolve);
  backend.answer = async () => {
    await answered;
    return json("{}");
  };
  await using gateway = await TestGateway.start(backend.url, ["--websocket=ws", "--max-queue=2"]);
  const client = await gateway.connect("CP1");
  for (const text of meterValues(900)) client.send(text);
  await until(
    "the client to be held",
    async () => (await scrape(gateway)).get("ws2api_clients_held") === 1,
  );
  const { status } = await gateway.api("/clients/CP1", { method: "DELETE" });
  strictEqual(status, 204);
  deepStrictEqual(await client.whenClosed(), { code: 1000, reason: "closed by the operator" });
  answer();
  strictEqual((await scrape(gateway)).get("ws2api_clients_held"), 0);
  const again = await gateway.connect("CP1");
  strictEqual(await again.ask('[2,"1","Heartbeat",{}]'), '[3,"1",{}]');
});

Deno.test("ws: a station that is held and breaks off is gone when the backend answers, and what was read is there", async () => {
  await using backend = new RecordingBackend();
  let answer = (): void => {};
  const answered = new Promise<void>((resolve) => answer = resolve);
  backend.answer = async () => {
    await answered;
    return json("{}");
  };
  await using gateway = await TestGateway.start(backend.url, ["--websocket=ws", "--max-queue=2"]);
  {
    using socket = await ByteSocket.upgrade(gateway.url, "/CP1");
    await socket.write(joined(meterValues(900).map((text) => frameBytes(text))));
    await until(
      "the client to be held",
      async () => (await scrape(gateway)).get("ws2api_clients_held") === 1,
    );
  }
  answer();
  await until("the end of the client", async () => {
    const series = await scrape(gateway);
    return series.get("ws2api_clients_held") === 0 &&
      series.get('ws2api_connections{protocol="ocpp1.6"}') === 0 &&
      series.get("ws2api_waiting") === 0;
  });
  deepStrictEqual(
    backend.paths().slice(0, 3),
    [0, 1, 2].map((i) => `/call/MeterValues/CP1/m${i}`),
  );
  strictEqual((await scrape(gateway)).get('ws2api_queue_full_total{type="call"}'), 0);
});

Deno.test("ws: a shutdown finishes what was read of a station that is held, and closes it with 1001", async () => {
  await using backend = new RecordingBackend();
  let answer = (): void => {};
  const answered = new Promise<void>((resolve) => answer = resolve);
  backend.answer = async () => {
    await answered;
    return json("{}");
  };
  await using gateway = await TestGateway.start(backend.url, [
    "--websocket=ws",
    "--max-queue=2",
    "--drain-timeout=10s",
  ]);
  const client = await gateway.connect("CP1");
  for (const text of meterValues(900)) client.send(text);
  await until(
    "the client to be held",
    async () => (await scrape(gateway)).get("ws2api_clients_held") === 1,
  );
  const begin = performance.now();
  const over = gateway.shutdown();
  answer();
  deepStrictEqual(await client.whenClosed(), { code: 1001, reason: "shutting down" });
  await over;
  ok(performance.now() - begin < 9000, "before the drain's end");
  deepStrictEqual([...client.left], expected(3));
});

Deno.test("deno: of such a burst what finds the queue full is refused, as the limits say", async () => {
  await using backend = new RecordingBackend();
  backend.answer = slow;
  await using gateway = await TestGateway.start(backend.url);
  const client = await gateway.connect("CP1");
  const answers = await flush(client, 1000);
  const refused = answers.filter((text) => text.includes('"InternalError","queue full"'));
  const taken = answers.filter((text) => text.startsWith("[3,"));
  ok(refused.length > 0);
  strictEqual(refused.length + taken.length, 1000);
  strictEqual((await scrape(gateway)).get("ws2api_clients_held"), 0);
});
