/**
 * `kill -9` of a program whose outbox is in NATS: what it owed is delivered by whoever comes next.
 *
 * @module
 */

import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { closedPort } from "../support/backend.ts";
import { until } from "../support/deadline.ts";
import { LedgerWorld, type RunningGateway } from "../support/ledger_world.ts";
import { testWithNats } from "../support/nats.ts";

const CLIENTS = ["CP-1", "CP-2", "CP-3", "CP-4"];

/** Of each client: an outcome, an error and a CALL without an answer. */
async function owe(gateway: RunningGateway, world: LedgerWorld): Promise<Map<string, string>> {
  for (const clientId of CLIENTS) {
    const station = await gateway.station(clientId);
    await gateway.accepted(`${clientId}/a`);
    await station.answer("a");
    await gateway.accepted(`${clientId}/b`);
    await station.answer("b", '[4,"b","GenericError","no",{}]');
    await gateway.accepted(`${clientId}/c`);
    await station.next('[2,"c"');
  }
  await until(
    "all outcomes in the ledger",
    async () =>
      (await world.ledger()).filter((entry) => "report" in entry).length === 2 * CLIENTS.length,
  );
  const ids = (await world.ledger()).map((entry) => "call" in entry ? entry.call : entry.report)
    .map(({ id, client }) => [id, client.clientId] as const);
  return new Map(ids);
}

async function isDelivered(
  world: LedgerWorld,
  ids: ReadonlyMap<string, string>,
  reason: string,
): Promise<void> {
  await world.whenEmpty();
  for (const clientId of CLIENTS) {
    const outcomes = world.outcomes(clientId);
    deepStrictEqual(
      outcomes.map(({ text }) => text),
      ["result a", "error b no", `error c ${reason}`],
    );
    for (const { id } of outcomes) strictEqual(ids.get(id!), clientId);
  }
  strictEqual(
    new Set(world.backend!.requests.map(({ headers }) => headers.get("webhook-id"))).size,
    ids.size,
  );
}

/** Nobody but those that are running is known. */
async function ownersAre(world: LedgerWorld, count: number): Promise<void> {
  await until(`${count} owners`, async () => (await world.owners()).length === count);
}

for (const workers of [1, 3]) {
  testWithNats(
    `what a killed gateway owed is delivered from its place at once: --workers ${workers}`,
    async () => {
      await using world = await LedgerWorld.start();
      const flags = [`--listen=127.0.0.1:${closedPort()}`, `--workers=${workers}`];
      const first = await world.gateway(flags);
      const ids = await owe(first, world);
      await first.kill();
      await world.backendComes();
      await world.gateway(flags);
      await isDelivered(world, ids, "the gateway was restarted");
      await ownersAre(world, 1);
    },
  );
}

testWithNats("what a killed gateway owed is taken over when it has been silent", async () => {
  await using world = await LedgerWorld.start();
  const first = await world.gateway();
  const ids = await owe(first, world);
  await first.kill();
  await world.backendComes();
  await world.gateway(["--workers=2"]);
  await isDelivered(world, ids, "the gateway lost the client");
  await ownersAre(world, 1);
});
