/**
 * Clients that come and go by the thousand, where the backend is asked about each and told of each.
 *
 * @module
 */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { json, RecordingBackend } from "../support/backend.ts";
import { upgradeHead } from "../support/client.ts";
import { connected } from "../support/connected.ts";
import { until } from "../support/deadline.ts";
import { TestGateway } from "../support/gateway.ts";
import { scrape } from "../support/metrics.ts";
import { headerOf, rawAnswer, rawStatus } from "../support/raw_client.ts";
import { testEachWebSocket as test } from "../support/websockets.ts";

/** A backend that answers no hook until it is told to, and all else at once. */
function holdHooks(backend: RecordingBackend): { release(): void } {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => release = resolve);
  backend.answer = async ({ path, body }) => {
    if (!/^\/(?:dis)?connect\//.test(path)) return json(body);
    await released;
    return new Response(null, { status: 204 });
  };
  return { release };
}

/** The statuses that so many clients get which connect at once. */
function statusesOf(gateway: TestGateway, count: number): Promise<number[]> {
  const all = Promise.all(
    Array.from({ length: count }, (_, i) => rawStatus(gateway.url, upgradeHead(`/comes-${i}`))),
  );
  // Whoever waits for it hears of a failure; a test that failed before does not.
  all.catch(() => {});
  return all;
}

async function metric(gateway: TestGateway, name: string): Promise<number> {
  return (await scrape(gateway)).get(name) ?? 0;
}

test("hooks that the backend does not answer keep no CALL and no outcome from it", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, [
    ...["--connect-hook", "--disconnect-hook", "--backend-connections=4"],
  ]);
  const honest = await connected(gateway, "honest");
  const leaving = await Promise.all([1, 2, 3, 4, 5].map((i) => connected(gateway, `leaves-${i}`)));
  const hooks = holdHooks(backend);
  await Promise.all(leaving.map((client) => client.close()));
  const coming = statusesOf(gateway, 30);
  await backend.next("/connect/comes-");
  await backend.next("/disconnect/leaves-");
  for (let i = 0; i < 10; i++) {
    strictEqual(await honest.ask(`[2,"${i}","Echo",{"i":${i}}]`), `[3,"${i}",{"i":${i}}]`);
  }
  strictEqual((await gateway.call("Reset/honest/r1")).status, 202);
  await honest.next("[2,");
  honest.send('[3,"r1",{}]');
  await backend.next("/result/Reset/honest/r1");
  // Each has its one slot, and no more.
  strictEqual(backend.paths("/connect/comes-").length, 1);
  strictEqual(backend.paths("/disconnect/leaves-").length, 1);
  hooks.release();
  deepStrictEqual(await coming, Array(30).fill(101));
  await until("all ends", () => backend.paths("/disconnect/leaves-").length === 5);
});

test("beyond what the backend is asked at once an upgrade is refused for now", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, [
    "--connect-hook",
    "--backend-connections=2",
  ]);
  const hooks = holdHooks(backend);
  const coming = statusesOf(gateway, 100);
  await until("100 questions", async () => await metric(gateway, "ws2api_sockets") === 100);
  for (let i = 0; i < 3; i++) {
    const { status, head } = await rawAnswer(gateway.url, upgradeHead(`/late-${i}`));
    strictEqual(status, 503);
    match(headerOf(head, "retry-after") ?? "", /^(?:[1-9]|10)$/);
  }
  hooks.release();
  deepStrictEqual(await coming, Array(100).fill(101));
  strictEqual(await metric(gateway, 'ws2api_upgrades_refused_total{reason="hooks"}'), 3);
  strictEqual(await metric(gateway, "ws2api_connects_waiting"), 0);
  strictEqual((await rawAnswer(gateway.url, upgradeHead("/later"))).status, 101);
  strictEqual(backend.paths("/connect/late-").length, 0);
});

test("a client is let in only while its end can be told, and each end is told", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, [
    "--disconnect-hook",
    "--max-connections=3",
  ]);
  const honest = await connected(gateway, "honest");
  const hooks = holdHooks(backend);
  // Twice three, less the one that is connected.
  for (let i = 0; i < 5; i++) {
    const client = await connected(gateway, `leaves-${i}`);
    await client.close();
    await until("its end", async () => await metric(gateway, "ws2api_sockets") === 1);
  }
  const { status, head } = await rawAnswer(gateway.url, upgradeHead("/one-more"));
  strictEqual(status, 503);
  match(headerOf(head, "retry-after") ?? "", /^(?:[1-9]|10)$/);
  strictEqual(await metric(gateway, "ws2api_disconnects_waiting"), 5);
  strictEqual(await honest.ask('[2,"1","Echo",{}]'), '[3,"1",{}]');
  hooks.release();
  await until("all ends", async () => await metric(gateway, "ws2api_disconnects_waiting") === 0);
  deepStrictEqual(
    backend.paths("/disconnect/").toSorted(),
    [0, 1, 2, 3, 4].map((i) => `/disconnect/leaves-${i}`),
  );
  await (await connected(gateway, "one-more")).close();
});

test("ends that wait for the backend have no CALL refused", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, [
    "--disconnect-hook",
    "--max-waiting=5",
  ]);
  const honest = await connected(gateway, "honest");
  const hooks = holdHooks(backend);
  const leaving = await Promise.all(
    Array.from({ length: 20 }, (_, i) => connected(gateway, `leaves-${i}`)),
  );
  await Promise.all(leaving.map((client) => client.close()));
  await until("all ends", async () => await metric(gateway, "ws2api_sockets") === 1);
  strictEqual(await honest.ask('[2,"1","Echo",{}]'), '[3,"1",{}]');
  strictEqual((await gateway.call("Reset/honest/r1")).status, 202);
  hooks.release();
  ok(await honest.next("[2,"));
  honest.send('[3,"r1",{}]');
  await until("all told", () => backend.paths("/disconnect/leaves-").length === 20);
});
