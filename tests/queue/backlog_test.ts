import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Backlog } from "../../lib/queue/backlog.ts";
import { Tally, tallyBuffer } from "../../lib/metrics/tally.ts";

Deno.test("a backlog's bounds are on what waits in all threads, its end is its own", async () => {
  const buffer = tallyBuffer(2, 2);
  const [first, second] = [0, 1].map((row) => {
    const tally = new Tally(2, buffer, row);
    const gauges = { count: tally.cell(0), chars: tally.cell(1) };
    return new Backlog(4, 100, gauges);
  }) as [Backlog, Backlog];
  for (const backlog of [first, second]) {
    deepStrictEqual([backlog.isPressed, backlog.isFull, backlog.count], [false, false, 0]);
  }
  first.enter("a");
  second.enter("b");
  deepStrictEqual([first.isPressed, second.isPressed], [true, true]);
  first.enter("c");
  deepStrictEqual([first.isFull, second.isFull], [false, false]);
  first.enter("d");
  deepStrictEqual([first.isFull, second.isFull], [true, true]);
  deepStrictEqual([first.count, second.count], [3, 1]);
  second.leave("b");
  await second.whenEmpty();
  strictEqual(second.isFull, false);
  second.enter("x".repeat(97));
  deepStrictEqual([first.isFull, second.isFull], [true, true]);
  const empty = first.whenEmpty();
  for (const payload of ["a", "c", "d"]) first.leave(payload);
  await empty;
  deepStrictEqual([first.isFull, second.isPressed], [false, true]);
});
