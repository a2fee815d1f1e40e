import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { every } from "../lib/clock.ts";
import { FakeClock } from "./support/fake_clock.ts";

Deno.test("what is done again and again ends when it is told to, also by itself", () => {
  const clock = new FakeClock();
  const times: number[] = [];
  const stop = every(clock, 10, () => times.push(clock.now()));
  clock.tick(35);
  deepStrictEqual(times, [10, 20, 30]);
  stop();
  strictEqual(clock.timers, 0);
  let count = 0;
  const stopAtTwo = every(clock, 10, () => {
    if (++count === 2) stopAtTwo();
  });
  clock.tick(100);
  deepStrictEqual([count, clock.timers, times.length], [2, 0, 3]);
});
