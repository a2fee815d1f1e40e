import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { growth, isSameRun, percentile, pointOf } from "../../../lib/status/page/rates.js";
import type { HistogramSnapshot } from "../../../lib/status/snapshot.ts";
import { histogram, point, snapshot } from "./snapshot.ts";

Deno.test("a percentile counts only what came between two snapshots", async (t) => {
  const none = histogram(0, 0, 0, 0);
  const rows: [string, HistogramSnapshot, HistogramSnapshot, number, number | null][] = [
    ["nothing", none, none, 0.5, null],
    ["nothing new", histogram(5, 5, 5, 5), histogram(5, 5, 5, 5), 0.5, null],
    ["half of the first bucket", none, histogram(2, 0, 0, 0), 0.5, 0.125],
    ["the middle of the second", none, histogram(0, 10, 0, 0), 0.5, 0.5],
    ["the end of the first of two", none, histogram(1, 1, 0, 0), 0.5, 0.25],
    ["what was before is left out", histogram(100, 0, 0, 0), histogram(100, 0, 2, 0), 1, 1],
    ["beyond the last bound", none, histogram(0, 0, 0, 3), 0.99, 1],
  ];
  for (const [name, before, after, part, expected] of rows) {
    await t.step(name, () => strictEqual(percentile(before, after, part), expected));
  }
  await t.step("it never falls as the part grows", () => {
    const counts = fc.array(fc.nat(50), { minLength: 4, maxLength: 4 });
    fc.assert(fc.property(counts, fc.double({ min: 0, max: 1, noNaN: true }), (all, part) => {
      const low = percentile(none, histogram(...all), part / 2);
      const high = percentile(none, histogram(...all), part);
      if (low !== null && high !== null) ok(low <= high + 1e-12);
      else strictEqual(low, high);
    }));
  });
});

Deno.test("rates are those of the time that has passed", () => {
  const before = snapshot({ framesIn: { call: 10 }, answeredCalls: 10 });
  const after = snapshot({
    at: before.at + 2000,
    connections: { "ocpp1.6": 2, none: 1 },
    framesIn: { call: 16, result: 2 },
    framesOut: { call: 4 },
    faults: 3,
    answeredCalls: 18,
    failedCalls: { refused: 1, backend: 0, unreachable: 1, away: 0 },
    opened: 6,
    closed: 4,
    refused: 2,
    waiting: 8,
  });
  deepStrictEqual(
    pointOf(before, before, after),
    point({
      ...{ at: after.at, connections: 3, inRate: 4, outRate: 2, invalidRate: 1.5, waiting: 8 },
      ...{ failedRate: 1, failedShare: 0.25, connectsRate: 3, closesRate: 2, refusedRate: 1 },
    }),
  );
});

Deno.test("without a CALL that ended no part of them has failed", () => {
  const before = snapshot();
  strictEqual(pointOf(before, before, snapshot({ at: before.at + 1000 })).failedShare, null);
});

Deno.test("what grew is told, and nothing else", () => {
  deepStrictEqual(growth({ lost: 1, client: 2 }, { lost: 4, client: 2, memory: 1 }), {
    lost: 3,
    memory: 1,
  });
});

Deno.test("a gateway that was started again begins anew", () => {
  const before = snapshot({ startedAt: 1, at: 10 });
  ok(isSameRun(before, snapshot({ startedAt: 1, at: 11 })));
  ok(!isSameRun(before, snapshot({ startedAt: 2, at: 11 })));
  ok(!isSameRun(before, snapshot({ startedAt: 1, at: 10 })));
});
