import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { type EarlierChange, EarlierClients, EarlierReports } from "../../lib/report/earlier.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { runs } from "../support/runs.ts";
import { Bench, HOUR, OK, status } from "./bench.ts";

Deno.test("a client's reports wait for earlier ones in another thread, and hold back no other's", () => {
  const earlier = new EarlierReports(["A"]);
  const bench = new Bench({ earlier });
  bench.deliver("A", "a1");
  bench.deliver("B", "b1");
  bench.deliver("A", "a2");
  deepStrictEqual(bench.underWay, ["b1"]);
  bench.reply(OK);
  strictEqual(bench.deliveries.countOf("A"), 2);
  // Nobody can hurry it.
  bench.deliveries.reachable();
  bench.deliveries.retry("id000001");
  bench.clock.tick(10_000);
  deepStrictEqual(bench.underWay, []);
  earlier.update({ begun: [], ended: ["A"] });
  deepStrictEqual(bench.underWay, ["a1"]);
  bench.reply(OK);
  bench.reply(OK);
  deepStrictEqual([bench.bodies, bench.counts], [["b1", "a1", "a2"], [0, 0]]);
});

Deno.test("a lane that has begun stops behind what another thread took over meanwhile", () => {
  const earlier = new EarlierReports();
  const bench = new Bench({ earlier });
  for (const body of ["a1", "a2"]) bench.deliver("A", body);
  bench.deliver("B", "b1");
  bench.reply(status(500), "b1");
  earlier.update({ begun: ["A", "B"], ended: [] });
  bench.reply(OK, "a1");
  bench.clock.tick(30_000);
  deepStrictEqual(bench.underWay, []);
  earlier.update({ begun: [], ended: ["A", "B", "C"] });
  deepStrictEqual(bench.underWay, ["a2", "b1"]);
  bench.replyAll(OK);
  deepStrictEqual(bench.counts, [0, 0]);
});

Deno.test("what waits for another thread can be removed, and is parked when it is too old", () => {
  const earlier = new EarlierReports(["A"]);
  const bench = new Bench({ earlier, reportTtlMs: HOUR });
  bench.deliver("A", "a1", { id: "1" });
  bench.deliver("A", "a2", { id: "2" });
  strictEqual(bench.deliveries.remove("1"), true);
  bench.clock.tick(HOUR + 1000);
  deepStrictEqual([bench.posted.length, bench.counts], [0, [0, 1]]);
  strictEqual(bench.deliveries.find("2")?.lastFailure, null);
  earlier.update({ begun: [], ended: ["A"] });
  deepStrictEqual(bench.underWay, []);
  bench.deliveries.close();
});

Deno.test("all are told of who has reports that wait, not of those whose reports are parked", () => {
  const changes: EarlierChange[] = [];
  const clock = new FakeClock();
  const follower = new EarlierClients(clock, (change) => changes.push(change));
  const bench = new Bench({ follower });
  bench.deliver("A", "a1");
  bench.deliver("A", "a2");
  bench.deliver("B", "b1");
  deepStrictEqual(follower.clientIds(), ["A", "B"]);
  deepStrictEqual(changes.splice(0), [{ begun: ["A", "B"], ended: [] }]);
  bench.reply(OK, "a1");
  bench.reply(status(404), "b1");
  clock.tick(1);
  deepStrictEqual(changes.splice(0), [{ begun: [], ended: ["B"] }]);
  bench.reply(OK, "a2");
  // It begins again before anybody was told.
  bench.deliver("A", "a3");
  clock.tick(1);
  deepStrictEqual([changes, follower.clientIds()], [[], ["A"]]);
  bench.reply(OK);
  clock.tick(1);
  deepStrictEqual([changes, clock.timers], [[{ begun: [], ended: ["A"] }], 0]);
  bench.deliveries.close();
});

Deno.test("a worker knows the same in the end, whenever it starts and whatever it hears twice", () => {
  const step = fc.record({
    kind: fc.constantFrom("began", "ended", "expect", "met", "turn", "start"),
    client: fc.constantFrom("A", "B", "C"),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const clock = new FakeClock();
      const told: EarlierChange[] = [];
      const clients = new EarlierClients(clock, (change) => told.push(change));
      const lanes = new Map<string, number>();
      const expected: { client: string; met: () => void }[] = [];
      let worker: EarlierReports | undefined;
      const add = (client: string, by: number) => lanes.set(client, (lanes.get(client) ?? 0) + by);
      for (const { kind, client } of steps) {
        if (kind === "began") {
          clients.began(client);
          add(client, 1);
        } else if (kind === "ended" && (lanes.get(client) ?? 0) > 0) {
          clients.ended(client);
          add(client, -1);
        } else if (kind === "expect") {
          expected.push({ client, met: clients.expect([client, client]) });
          const atOnce = new EarlierReports();
          for (const change of told) atOnce.update(change);
          strictEqual(atOnce.has(client), true);
        } else if (kind === "met") expected.shift()?.met();
        else if (kind === "turn") clock.tick(1);
        else worker ??= new EarlierReports(clients.clientIds());
      }
      clock.tick(1);
      worker ??= new EarlierReports();
      for (const change of told) worker.update(change);
      for (const client of ["A", "B", "C"]) {
        const isHeld = (lanes.get(client) ?? 0) > 0 ||
          expected.some((one) => one.client === client);
        strictEqual(worker.has(client), isHeld);
      }
    }),
    { numRuns: runs(200) },
  );
});
