import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { backendState, isSameRun, percentile, pointOf } from "../../../lib/status/page/rates.js";
import type { HistogramSnapshot, Snapshot } from "../../../lib/status/snapshot.ts";
import { histogram, snapshot } from "./snapshot.ts";

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
  const before = snapshot({ framesIn: { call: 10 }, backendRequests: { "2xx": 5, timeout: 1 } });
  const after = snapshot({
    at: before.at + 2000,
    connections: { "ocpp1.6": 2, none: 1 },
    framesIn: { call: 16, result: 2 },
    framesOut: { call: 4 },
    faults: 3,
    backendRequests: { "2xx": 9, timeout: 2, "5xx": 3, "4xx": 7 },
    waiting: 8,
  });
  const { connections, inRate, outRate, faultRate, failureRate, waiting, p50 } = pointOf(
    before,
    before,
    after,
  );
  deepStrictEqual(
    { connections, inRate, outRate, faultRate, failureRate, waiting, p50 },
    {
      connections: 3,
      inRate: 4,
      outRate: 2,
      faultRate: 1.5,
      failureRate: 2,
      waiting: 8,
      p50: null,
    },
  );
});

Deno.test("the backend's state is told by how many of its last answers failed", () => {
  const before = snapshot({ backendRequests: { "2xx": 10, "5xx": 10 } });
  const rows: [Partial<Snapshot>, string][] = [
    [{}, "Idle"],
    [{ backendRequests: { "2xx": 11, "4xx": 3, "5xx": 10 } }, "Healthy"],
    [{ backendRequests: { "2xx": 20, "5xx": 11 } }, "Degraded"],
    [{ backendRequests: { "2xx": 11, "5xx": 10, unreachable: 5 } }, "Failing"],
    [{ backendAway: 1 }, "Away"],
  ];
  for (const [changes, expected] of rows) {
    strictEqual(backendState(before, { ...before, at: before.at + 1, ...changes }).text, expected);
  }
});

Deno.test("a gateway that was started again begins anew", () => {
  const before = snapshot({ startedAt: 1, at: 10 });
  ok(isSameRun(before, snapshot({ startedAt: 1, at: 11 })));
  ok(!isSameRun(before, snapshot({ startedAt: 2, at: 11 })));
  ok(!isSameRun(before, snapshot({ startedAt: 1, at: 10 })));
});
