/**
 * Programs whose outbox is in NATS, told to stop, or with no room in it.
 *
 * @module
 */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { until } from "../support/deadline.ts";
import { LedgerWorld } from "../support/ledger_world.ts";
import { testWithNats } from "../support/nats.ts";

for (const workers of [1, 2]) {
  testWithNats(
    `what is left at an orderly end is another one's at once: --workers ${workers}`,
    async () => {
      await using world = await LedgerWorld.start();
      const first = await world.gateway([`--workers=${workers}`]);
      const second = await world.gateway([`--workers=${workers}`]);
      for (const clientId of ["CP-1", "CP-2", "CP-3"]) {
        const station = await first.station(clientId);
        await first.accepted(`${clientId}/a`);
        await station.answer("a");
        await first.accepted(`${clientId}/b`);
        await station.next('[2,"b"');
      }
      const { code, stderr, ms } = await first.stop();
      strictEqual(code, 0);
      ok(ms < 2500, `it took ${ms} ms`);
      // A report for each CALL, and one for each end.
      match(stderr, /info undelivered reports stay in the outbox [^\n]*reports=\d+/);
      const since = performance.now();
      await until("an heir", async () => (await second.reports()).length >= 6);
      // By its word: its silence would be waited for until 7 s.
      ok(performance.now() - since < 6000, `${performance.now() - since} ms`);
      await world.backendComes();
      await second.retryAll();
      await world.whenEmpty();
      for (const clientId of ["CP-1", "CP-2", "CP-3"]) {
        const outcomes = world.outcomes(clientId).map(({ text }) => text);
        strictEqual(outcomes.length, 2);
        strictEqual(outcomes[0], "result a");
      }
      await second.stop();
      deepStrictEqual(await world.ledger(), []);
    },
  );
}

testWithNats(
  "a full ledger refuses CALLs, loses none, and takes them again when the backend is back",
  async () => {
    await using world = await LedgerWorld.start();
    const gateway = await world.gateway(["--outbox-max-bytes=1MiB"]);
    const text = "x".repeat(50_000);
    let refused: Awaited<ReturnType<typeof gateway.call>> | undefined;
    const accepted: string[] = [];
    const stations = [];
    for (let n = 0; n < 6; n++) stations.push(await gateway.station(`CP-${n}`));
    for (let n = 0; n < 60 && refused === undefined; n++) {
      const station = stations[n % 6]!;
      const answer = await gateway.call(`CP-${n % 6}/${n}`);
      if (answer.status === 202) {
        accepted.push(`${n}`);
        await station.answer(`${n}`, `[3,"${n}",{"of":"${text}"}]`);
      } else refused = answer;
    }
    strictEqual(refused?.status, 503);
    match(refused.headers.get("retry-after") ?? "", /^\d+$/);
    await world.backendComes();
    await gateway.retryAll();
    await world.whenEmpty();
    await until(
      "all outcomes",
      () => (world.backend?.paths("/result/").length ?? 0) >= accepted.length,
    );
    deepStrictEqual(
      world.backend!.paths("/result/").map((path) => path.split("/").at(-1)).sort(),
      accepted.toSorted(),
    );
    await gateway.accepted("CP-0/again");
    await stations[0]!.answer("again");
    await world.whenEmpty();
    await gateway.stop();
    deepStrictEqual(await world.owners(), []);
  },
);

testWithNats(
  "a result that is larger than NATS takes is delivered all the same, from memory",
  async () => {
    await using world = await LedgerWorld.start({ config: "max_payload: 65536" });
    const gateway = await world.gateway(["--max-message=1MiB"]);
    const other = await world.gateway();
    const station = await gateway.station("CP-1");
    await gateway.accepted("CP-1/a");
    await station.answer("a", `[3,"a",{"of":"${"x".repeat(200_000)}"}]`);
    await gateway.accepted("CP-1/b");
    await station.answer("b");
    await gateway.program.logged("a report is larger than NATS takes");
    await world.backendComes();
    await gateway.retryAll();
    await world.whenEmpty();
    deepStrictEqual(world.outcomes("CP-1").map(({ text }) => text), ["result a", "result b"]);
    await gateway.stop();
    await other.stop();
    deepStrictEqual(await world.owners(), []);
  },
);
