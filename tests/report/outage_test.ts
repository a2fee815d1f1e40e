import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { metricsBuffer, MetricSet } from "../../lib/metrics/metrics.ts";
import type { KeptReport } from "../../lib/outbox/entry.ts";
import { clientOf } from "../cluster/bus_contract.ts";
import { runs } from "../support/runs.ts";
import { Bench, HOUR, MINUTE, OK, outcome, status, UNREACHABLE } from "./bench.ts";

const START = Date.UTC(2026, 0, 1);

/** Reports `0`, `1` … of as many clients wait for a backend that is away. */
function awayWith(count: number, options: ConstructorParameters<typeof Bench>[0] = {}): Bench {
  const bench = new Bench(options);
  bench.deliver("C0", "0");
  bench.reply(UNREACHABLE);
  for (let i = 1; i < count; i++) bench.deliver(`C${i}`, String(i));
  return bench;
}

Deno.test("a backend that cannot be reached stops all lanes, and the oldest report alone looks for it", () => {
  const bench = new Bench();
  for (const client of ["A", "B", "C"]) bench.deliver(client, client);
  bench.reply(UNREACHABLE, "B");
  bench.deliver("D", "D");
  // What is under way finishes.
  deepStrictEqual(bench.underWay, ["A", "C"]);
  bench.reply(UNREACHABLE, "C");
  bench.reply(UNREACHABLE, "A");
  strictEqual(bench.posted.length, 3);
  bench.clock.tick(400);
  deepStrictEqual(bench.underWay, ["A"]);
  bench.deliveries.close();
});

Deno.test("one probe at a time, after 0.4, 1.2, 3.6 and up to 30 s", () => {
  const bench = awayWith(100);
  bench.answer = () => UNREACHABLE;
  bench.clock.tick(80_000);
  deepStrictEqual([...new Set(bench.bodies)], ["0"]);
  const times = bench.posted.map(({ at }) => at);
  const gaps = times.slice(1).map((at, i) => at - times[i]!);
  deepStrictEqual(gaps, [400, 1200, 3600, 10_800, 30_000, 30_000]);
  bench.answer = undefined;
  bench.clock.tick(30_000);
  // The probe hangs: no other one goes.
  bench.clock.tick(10 * MINUTE);
  deepStrictEqual(bench.underWay, ["0"]);
  bench.deliveries.close();
});

Deno.test("when it is back the oldest go first, one more at a time for each that is taken", () => {
  const bench = awayWith(50);
  bench.clock.tick(400);
  deepStrictEqual(bench.underWay, ["0"]);
  bench.reply(OK);
  deepStrictEqual(bench.underWay, ["1", "2"]);
  bench.reply(OK);
  deepStrictEqual(bench.underWay, ["2", "3", "4"]);
  // A new one waits behind the old ones.
  bench.deliver("new", "new");
  bench.reply(status(500));
  deepStrictEqual(bench.underWay, ["3", "4", "5"]);
  while (bench.underWay.length > 0) bench.reply(OK);
  deepStrictEqual(
    bench.bodies,
    [...Array.from({ length: 50 }, (_, i) => String(i)), "new"]
      .flatMap((body) => body === "0" ? ["0", "0"] : [body]),
  );
  // Without a bound again.
  for (let i = 0; i < 300; i++) bench.deliver(`E${i}`, "e");
  strictEqual(bench.underWay.length, 300);
  bench.deliveries.close();
});

Deno.test("others who reach the backend let the reports go at once, by and by", () => {
  const bench = awayWith(10);
  bench.clock.tick(100);
  bench.deliveries.reachable();
  deepStrictEqual(bench.underWay, ["0"]);
  bench.reply(UNREACHABLE);
  deepStrictEqual(bench.underWay, []);
  // Its word does not shorten the pauses between tries that failed.
  bench.clock.tick(1199);
  deepStrictEqual(bench.underWay, []);
  bench.clock.tick(1);
  deepStrictEqual(bench.underWay, ["0"]);
  bench.reply(OK);
  deepStrictEqual(bench.underWay, ["1", "2"]);
  bench.deliveries.close();
  const fine = new Bench();
  fine.deliveries.reachable();
  fine.deliver("A", "a");
  deepStrictEqual(fine.underWay, ["a"]);
});

Deno.test("while CALLs wait for slots, no more than the outcomes' share is caught up on at once", () => {
  const bench = awayWith(1000, { backendConnections: 64 });
  bench.clock.tick(400);
  for (let i = 0; i < 100; i++) bench.reply(OK);
  strictEqual(bench.underWay.length, 64);
  bench.metrics.slotsAwaited.add(3);
  for (let i = 0; i < 60; i++) bench.reply(OK);
  strictEqual(bench.underWay.length, 8);
  bench.metrics.slotsAwaited.add(-3);
  bench.reply(OK);
  strictEqual(bench.underWay.length, 64);
  bench.deliveries.close();
});

Deno.test("a reply that is no answer, to what hung before, does not end an outage", () => {
  const bench = new Bench();
  for (const client of ["A", "B", "C"]) bench.deliver(client, client);
  bench.reply(UNREACHABLE, "A");
  bench.reply({ ok: false, fault: "timeout" }, "B");
  bench.clock.tick(399);
  deepStrictEqual(bench.underWay, ["C"]);
  // An answer does.
  bench.reply(status(503), "C");
  deepStrictEqual(bench.underWay, ["A"]);
  bench.deliveries.close();
});

Deno.test("the log has a line at the beginning, one each minute, and one at the end", () => {
  const bench = awayWith(5);
  bench.answer = () => UNREACHABLE;
  bench.clock.tick(3 * MINUTE + 5000);
  const { log, metrics } = bench;
  const counts = (): number[] => [
    log.count("backend unreachable, reports wait"),
    log.count("reports wait for the backend"),
    log.count("backend reached again, reports delivered"),
  ];
  deepStrictEqual(counts(), [1, 3, 0]);
  ok(metrics.outboxOldest.own >= 184 && metrics.outboxOldest.own <= 185);
  bench.answer = () => OK;
  bench.clock.tick(31_000);
  deepStrictEqual(counts(), [1, 3, 1]);
  bench.clock.tick(2000);
  deepStrictEqual([metrics.outboxOldest.own, bench.clock.timers], [0, 0]);
});

Deno.test("the line of each minute tells how many wait in all threads", () => {
  const buffer = metricsBuffer(["ocpp1.6"], 2);
  const [a, b] = [0, 1].map((row) =>
    awayWith(2 + row, { metrics: new MetricSet(["ocpp1.6"], buffer, row).metrics, threads: 2 })
  );
  a!.answer = () => UNREACHABLE;
  b!.clock.tick(100);
  a!.clock.tick(MINUTE + 1000);
  strictEqual(a!.log.count("reports wait for the backend"), 1);
  strictEqual(a!.log.count('reports wait for the backend {"waiting":5,'), 1);
  for (const bench of [a, b]) bench!.deliveries.close();
});

Deno.test("what is too old while the backend is away is parked, also in the middle of a lane", () => {
  const bench = new Bench({ reportTtlMs: HOUR });
  bench.answer = () => UNREACHABLE;
  for (const body of ["a", "b"]) bench.deliver("A", body);
  bench.clock.tick(30 * MINUTE);
  bench.deliver("A", "c");
  bench.clock.tick(30 * MINUTE + 1000);
  deepStrictEqual(bench.counts, [1, 2]);
  bench.answer = () => OK;
  bench.clock.tick(31_000);
  deepStrictEqual([bench.counts, bench.bodies.at(-1)], [[0, 2], "c"]);
  bench.deliveries.close();
});

Deno.test("what an earlier process left is delivered in order, by and by", () => {
  const bench = new Bench({ maxReports: 2 });
  const kept = (id: string, client: string, more: Partial<KeptReport> = {}): KeptReport => {
    return { id, client: clientOf(client), report: outcome(id), since: START - HOUR, ...more };
  };
  const parked = { at: START - HOUR, failure: "status 400", tries: 3 };
  const found = {
    reports: [
      ...[kept("1", "A"), kept("2", "A"), kept("3", "B"), kept("4", "B", { parked })],
    ],
    calls: [{
      ...{ id: "5", client: clientOf("A"), action: "Reset", messageId: "m5", trace: undefined },
      acceptedAt: START - HOUR,
    }],
  };
  bench.deliveries.adopt(found, "the gateway was restarted");
  deepStrictEqual([bench.underWay, bench.counts], [["1"], [4, 1]]);
  strictEqual(bench.metrics.outboxPlaces.own, 4);
  deepStrictEqual(bench.store.told, ["end 5"]);
  const { tries, lastFailure, since } = bench.deliveries.find("4")!;
  deepStrictEqual([tries, lastFailure, since], [3, "status 400", START - HOUR]);
  while (bench.underWay.length > 0) bench.reply(OK);
  deepStrictEqual(
    bench.posted.map(({ request }) => [request.path, request.webhookId]),
    [
      ["result/Reset/A/1", "1"],
      ["result/Reset/A/2", "2"],
      ["result/Reset/B/3", "3"],
      ["error/Reset/A/m5", "5"],
    ],
  );
  deepStrictEqual(JSON.parse(bench.bodies.at(-1)!), {
    ...{ code: "GenericError", description: "the gateway was restarted", details: {} },
  });
  bench.deliveries.close();
});

Deno.test("what was left is tried before it is too old, also when the wall clock is wrong", () => {
  const rows = [[START - 200 * HOUR, 15 * MINUTE], [START + 200 * HOUR, 72 * HOUR]] as const;
  for (const [since, parkedAfter] of rows) {
    const bench = new Bench();
    bench.answer = () => UNREACHABLE;
    const client = clientOf("A");
    const found = { reports: [{ id: "1", client, report: outcome("1"), since }], calls: [] };
    bench.deliveries.adopt(found, "the gateway was restarted");
    bench.clock.tick(parkedAfter - MINUTE);
    deepStrictEqual(bench.counts, [1, 0]);
    bench.clock.tick(2 * MINUTE);
    deepStrictEqual(bench.counts, [0, 1]);
    bench.deliveries.close();
  }
});

/** What happens to a backend and reports in a run. */
const event = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("deliver"), n: fc.nat(4) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("reply"), n: fc.nat(7) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("tick"), n: fc.nat(5000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reachable"), n: fc.constant(0) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("remove"), n: fc.nat(200) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("retry"), n: fc.nat(200) }) },
);

Deno.test("whatever happens: all is delivered, parked or removed, in order by client, each taken once", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 120, size: "max" }), (events) => {
      const bench = new Bench();
      const replies = [
        ...[OK, OK, UNREACHABLE, UNREACHABLE, status(500), status(429, "3"), status(400)],
        { ok: false, fault: "timeout" } as const,
      ];
      const ends = new Map<string, string>();
      const retried = new Set<string>();
      const taken: string[] = [];
      let count = 0;
      const reply = (one: typeof replies[number]): void => {
        const body = bench.underWay[0];
        if (body === undefined) return;
        if (one === OK) taken.push(body);
        bench.reply(one);
      };
      for (const { do: what, n } of events) {
        const id = String(n).padStart(6, "0");
        if (what === "deliver") {
          const body = String(count++).padStart(6, "0");
          bench.deliver(`C${n}`, body, {
            id: body,
            told: (state) => ends.set(body, state),
          });
        } else if (what === "reply") reply(replies[n]!);
        else if (what === "tick") bench.clock.tick(n);
        else if (what === "reachable") bench.deliveries.reachable();
        else if (what === "remove") bench.deliveries.remove(id);
        else if (bench.deliveries.retry(id)) retried.add(id);
        const lanes = bench.underWay.map((body) =>
          bench.posted.findLast((one) => one.body === body)!.request.path.split("/")[2]
        );
        strictEqual(new Set(lanes).size, lanes.length, "two of one client are under way");
      }
      for (let i = 0; i < 2000 && bench.deliveries.waiting > 0; i++) {
        if (bench.underWay.length > 0) reply(OK);
        else bench.clock.tick(1000);
      }
      strictEqual(bench.deliveries.waiting, 0);
      strictEqual(new Set(taken).size, taken.length, "taken twice");
      for (const [body, state] of ends) {
        ok(state === "delivered" || state === "parked" || state === "removed");
        if (state === "delivered") ok(taken.includes(body));
      }
      strictEqual(ends.size, count);
      for (let lane = 0; lane < 5; lane++) {
        const path = new RegExp(`/C${lane}/`);
        const own = taken.filter((body) =>
          !retried.has(body) &&
          path.test(bench.posted.find((one) => one.body === body)!.request.path)
        );
        deepStrictEqual(own, own.toSorted(), "out of order");
      }
      const { outboxPlaces, outboxBytes } = bench.metrics;
      deepStrictEqual([outboxPlaces.own, outboxBytes.waiting.own], [0, 0]);
      bench.deliveries.close();
      strictEqual(bench.clock.timers, 0);
    }),
    { numRuns: runs(300) },
  );
});

Deno.test("10,000 outcomes outlast a backend that is away for ten minutes: all delivered, in order by client, each once", () => {
  const bench = new Bench();
  let isAway = true;
  bench.answer = () => isAway ? UNREACHABLE : OK;
  const [clients, each] = [1000, 10];
  const taken = new Map<string, string[]>();
  for (let n = 0; n < each; n++) {
    for (let i = 0; i < clients; i++) bench.deliver(`CP${i}`, `${i}-${n}`);
    // They come all the time.
    bench.clock.tick(MINUTE);
  }
  deepStrictEqual(bench.counts, [clients * each, 0]);
  const whileAway = bench.posted.length;
  // 0.4, 1.2, 3.6 and 10.8 s, then one each 30 s.
  ok(whileAway >= 20 && whileAway <= 25, `${whileAway} probes`);
  isAway = false;
  bench.clock.tick(30_000);
  for (const { body } of bench.posted.slice(whileAway)) {
    const [client = ""] = body.split("-");
    taken.set(client, [...taken.get(client) ?? [], body]);
  }
  strictEqual(taken.size, clients);
  for (const [client, bodies] of taken) {
    deepStrictEqual(bodies, Array.from({ length: each }, (_, n) => `${client}-${n}`));
  }
  deepStrictEqual(bench.counts, [0, 0]);
  strictEqual(bench.metrics.outboxPlaces.own, 0);
  bench.deliveries.close();
  strictEqual(bench.clock.timers, 0);
});
