import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Backlog } from "../../lib/queue/backlog.ts";
import { Tally, tallyBuffer } from "../../lib/metrics/tally.ts";

Deno.test("a backlog's bounds are on what waits in all threads, its end is its own", async () => {
  const buffer = tallyBuffer(3, 2);
  const [first, second] = [0, 1].map((row) => {
    const tally = new Tally(3, buffer, row);
    const gauges = { count: tally.cell(0), chars: tally.cell(1), disconnects: tally.cell(2) };
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

Deno.test("disconnects fill no backlog, and are waited for at its end", async () => {
  const tally = new Tally(3);
  const gauges = { count: tally.cell(0), chars: tally.cell(1), disconnects: tally.cell(2) };
  const backlog = new Backlog(4, 100, gauges);
  for (let i = 0; i < 1000; i++) backlog.enterDisconnect();
  deepStrictEqual([backlog.isPressed, backlog.isFull], [false, false]);
  deepStrictEqual([backlog.disconnects, backlog.count], [1000, 1000]);
  backlog.enter("a");
  let isEmpty = false;
  const empty = backlog.whenEmpty().then(() => isEmpty = true);
  for (let i = 0; i < 1000; i++) backlog.leaveDisconnect();
  await undefined;
  strictEqual(isEmpty, false);
  backlog.leave("a");
  await empty;
  deepStrictEqual([backlog.disconnects, backlog.count], [0, 0]);
});

Deno.test("a backlog tells reports from the CALLs of clients", () => {
  const tally = new Tally(3, tallyBuffer(3, 1), 0);
  const gauges = { count: tally.cell(0), chars: tally.cell(1), disconnects: tally.cell(2) };
  const backlog = new Backlog(4, 100, gauges);
  backlog.enterCall("call");
  deepStrictEqual([backlog.count, backlog.reports], [1, 0]);
  backlog.enter("report");
  backlog.enterDisconnect();
  deepStrictEqual([backlog.count, backlog.reports], [3, 2]);
  backlog.leaveCall("call");
  backlog.leave("report");
  deepStrictEqual([backlog.count, backlog.reports], [1, 1]);
});
