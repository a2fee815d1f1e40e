import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Timeline } from "../../../lib/status/page/timeline.js";
import { point } from "./snapshot.ts";

/** Points at these seconds. */
function points(...seconds: number[]) {
  return seconds.map((second) => point({ at: 1000 * second }));
}

function secondsOf(timeline: Timeline) {
  return timeline.points.map(({ at }) => at / 1000);
}

Deno.test("five minutes are kept", () => {
  const timeline = new Timeline();
  for (const one of points(1000, 1001, 1299, 1300, 1301)) timeline.add(one);
  deepStrictEqual(secondsOf(timeline), [1001, 1299, 1300, 1301]);
});

Deno.test("what the gateway has kept takes the place of what was seen, and nothing is doubled", () => {
  const timeline = new Timeline();
  for (const one of points(1000, 1001, 1002)) timeline.add(one);
  timeline.load(points(1001, 1002, 1003, 1004), 0);
  timeline.add(point({ at: 1_004_000, connections: 7 }));
  deepStrictEqual(secondsOf(timeline), [1000, 1001, 1002, 1003, 1004]);
  strictEqual(timeline.points.at(-1)?.connections, 7);
});

Deno.test("a start of the gateway is a mark while it is within what is shown", () => {
  const timeline = new Timeline();
  timeline.began(1_000);
  for (const one of points(1000, 1001)) timeline.add(one);
  deepStrictEqual(timeline.starts, []);
  timeline.load(points(1010, 1011), 1_009_000);
  timeline.began(1_009_000);
  deepStrictEqual(timeline.starts, [1_009_000]);
  // What was seen of the run before stays.
  deepStrictEqual(secondsOf(timeline), [1000, 1001, 1010, 1011]);
  timeline.add(point({ at: 1_309_001 }));
  deepStrictEqual(timeline.starts, []);
});

Deno.test("over time of which nothing is known there is no line", () => {
  const timeline = new Timeline();
  for (const one of points(1000, 1001, 1004, 1008, 1009)) timeline.add(one);
  deepStrictEqual(
    timeline.withGaps().map((one) => "connections" in one ? one.at : [one.at]),
    [1_000_000, 1_001_000, 1_004_000, [1_004_001], 1_008_000, 1_009_000],
  );
});

Deno.test("when the clock was set back, time goes on from there", () => {
  const timeline = new Timeline();
  for (const one of points(1000, 1001, 900, 901)) timeline.add(one);
  deepStrictEqual(secondsOf(timeline), [900, 901]);
});

Deno.test("of another instance nothing is shown as this one's", () => {
  const timeline = new Timeline();
  timeline.load(points(1000, 1001), 999_000);
  timeline.load(points(1001, 1002), 900_000);
  timeline.isOther(900_000);
  deepStrictEqual([secondsOf(timeline), timeline.starts], [[1001, 1002], [900_000]]);
});
