import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { Histogram } from "../../lib/metrics/family.ts";
import { BOUNDS } from "../../lib/metrics/labels.ts";
import { quantileOf } from "../../lib/metrics/quantile.ts";
import { Cell } from "../../lib/metrics/tally.ts";

function histogram(): Histogram {
  return new Histogram(BOUNDS, Array.from({ length: BOUNDS.length + 2 }, () => new Cell()));
}

Deno.test("a percentile is told within its bucket", async (t) => {
  const rows: [name: string, counts: number[], part: number, expected: number][] = [
    ["nothing", [0, 0, 0], 0.5, NaN],
    ["half of the first bucket", [2, 0, 0], 0.5, 0.5],
    ["the middle of the second", [0, 10, 0], 0.5, 2],
    ["the end of the first of two", [1, 1, 0], 0.5, 1],
    ["beyond the last bound", [0, 0, 4], 0.5, 3],
  ];
  for (const [name, counts, part, expected] of rows) {
    await t.step(name, () => strictEqual(quantileOf([1, 3], counts, part), expected));
  }
});

Deno.test("from 1 ms to 60 s no duration is told as more than 1.6 times what it was, or less", () => {
  ok(BOUNDS.length <= 35);
  deepStrictEqual(BOUNDS.toSorted((a, b) => a - b), BOUNDS);
  fc.assert(fc.property(fc.double({ min: 0.001, max: 60, noNaN: true }), (seconds) => {
    const all = histogram();
    for (let i = 0; i < 100; i++) all.observe(seconds);
    const told = quantileOf(BOUNDS, all.counts, 0.99);
    ok(told <= 1.6001 * seconds && seconds <= 1.6001 * told, `${seconds} told as ${told}`);
  }));
});

Deno.test("bounds that dashboards ask for are still there", () => {
  const older = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
  for (const bound of [...older, 30, 60]) ok(BOUNDS.includes(bound), String(bound));
});

Deno.test("each duration is in the bucket whose bound is the first not below it", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.double({ min: 0, max: 1e6, noNaN: true }), fc.constantFrom(...BOUNDS)),
      (seconds) => {
        const all = histogram();
        all.observe(seconds);
        const index = BOUNDS.findIndex((bound) => seconds <= bound);
        strictEqual(all.counts.indexOf(1), index === -1 ? BOUNDS.length : index);
        strictEqual(all.count, 1);
      },
    ),
  );
});
