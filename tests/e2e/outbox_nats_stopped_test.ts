/**
 * A program that does nothing for longer than it may, and goes on: what it owed is another one's by then.
 *
 * @module
 */

import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { until } from "../support/deadline.ts";
import { LedgerWorld } from "../support/ledger_world.ts";
import { scrape } from "../support/metrics.ts";
import { testWithNats } from "../support/nats.ts";

const GAUGES = [
  'ws2api_outbox{state="waiting"}',
  'ws2api_outbox{state="parked"}',
  "ws2api_outbox_oldest_seconds",
  "ws2api_outstanding_calls",
];

testWithNats("an owner that comes back drops what was taken over, and goes on", async (t) => {
  await using world = await LedgerWorld.start();
  const stopped = await world.gateway(["--workers=2"]);
  const heir = await world.gateway();
  const station = await stopped.station("CP-1");
  await stopped.accepted("CP-1/a");
  await station.answer("a");
  await stopped.accepted("CP-1/b");
  await station.next('[2,"b"');
  await until(
    "an outcome in the ledger",
    async () => (await world.ledger()).some((entry) => "report" in entry),
  );

  await t.step("while the backend is away", async () => {
    stopped.program.signal("SIGSTOP");
    await until("an heir", async () => (await heir.reports()).length === 2);
    stopped.program.signal("SIGCONT");
    await until("nothing left at the first one", async () => {
      const series = await scrape(stopped);
      return series.get(GAUGES[0]!) === 0;
    });
    station.send('[3,"b",{}]');
    await stopped.accepted("CP-1/c");
    await station.answer("c");
    await world.backendComes();
    for (const gateway of [stopped, heir]) await gateway.retryAll();
    await world.whenEmpty(40_000);
    deepStrictEqual(world.outcomes("CP-1").map(({ text }) => text).sort(), [
      "error b the gateway lost the client",
      "result a",
      "result c",
    ]);
  });
  await t.step(
    "while the backend is there, and all is delivered when it comes back",
    async () => {
      await stopped.accepted("CP-1/d");
      await station.next('[2,"d"');
      stopped.program.signal("SIGSTOP");
      await until("what the heir tells", () => world.outcomes("CP-1").length === 4);
      stopped.program.signal("SIGCONT");
      await until("a second owner", async () => (await world.owners()).length === 2);
      station.send('[3,"d",{}]');
      await stopped.accepted("CP-1/e");
      await station.answer("e");
      await world.whenEmpty();
      deepStrictEqual(world.outcomes("CP-1").slice(3).map(({ text }) => text), [
        "error d the gateway lost the client",
        "result e",
      ]);
    },
  );
  for (const gateway of [stopped, heir]) {
    await until("gauges at rest", async () => {
      const series = await scrape(gateway);
      return GAUGES.every((name) => series.get(name) === 0);
    });
    const { code } = await gateway.stop();

    strictEqual(code, 0);
  }
  deepStrictEqual(await world.ledger(), []);
});
