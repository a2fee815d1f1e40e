import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { ChangingRate, Rate } from "../../lib/door/rate.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** How many of so many attempts pass, all at one time. */
function passing(rate: Rate, attempts: number): number {
  return Array.from({ length: attempts }, () => rate.take()).filter(Boolean).length;
}

Deno.test("so many pass as the time since allows", async (t) => {
  const rows: [name: string, perSecond: number, passed: [afterMs: number, passed: number][]][] = [
    ["at once as many as in a second", 10, [[0, 10], [0, 0]]],
    ["one each second", 1, [[0, 1], [999, 0], [1, 1], [0, 0], [1000, 1]]],
    ["a part of a second, a part of them", 10, [[0, 10], [99, 0], [1, 1], [250, 2], [50, 1]]],
    ["a quiet time is not saved up", 10, [[0, 10], [60_000, 10], [0, 0]]],
    ["nor is the time before the first", 10, [[3_600_000, 10], [100, 1]]],
    ["attempts that failed cost nothing", 2, [[0, 2], [100, 0], [100, 0], [100, 0], [200, 1]]],
    ["a thousand", 1000, [[0, 1000], [1, 1], [10, 10], [5000, 1000]]],
    ["less than one each second", 0.25, [[0, 1], [3999, 0], [1, 1], [60_000, 1], [0, 0]]],
  ];
  for (const [name, perSecond, steps] of rows) {
    await t.step(name, () => {
      const clock = new FakeClock();
      const rate = new Rate(perSecond, clock);
      const passed = steps.map(([afterMs]) => {
        clock.tick(afterMs);
        return passing(rate, Math.ceil(2 * perSecond));
      });
      deepStrictEqual(passed, steps.map(([, expected]) => expected));
    });
  }
});

Deno.test("it holds no timer", () => {
  const clock = new FakeClock();
  new Rate(5, clock).take();
  strictEqual(clock.timers, 0);
});

Deno.test("never more than N and N for each second pass in any window, whatever comes", () => {
  const step = fc.record({ afterMs: fc.nat(2000), attempts: fc.nat(60) });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.array(step, { maxLength: 40 }),
      (perSecond, steps) => {
        const clock = new FakeClock();
        const rate = new Rate(perSecond, clock);
        const passed = steps.map(({ afterMs, attempts }) => {
          clock.tick(afterMs);
          return { at: clock.now(), count: passing(rate, attempts) };
        });
        for (const [i, first] of passed.entries()) {
          let sum = 0;
          for (const { at, count } of passed.slice(i)) {
            sum += count;
            const most = perSecond + perSecond * (at - first.at) / 1000;
            ok(sum <= most + 1e-6, `${sum} from ${first.at} to ${at} at ${perSecond}/s`);
          }
        }
      },
    ),
  );
});

Deno.test("who tries all the time loses none of the rate", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 20 }),
      (perSecond, ms) => {
        const clock = new FakeClock();
        const rate = new Rate(perSecond, clock);
        let passed = 0;
        while (clock.now() < 3000) {
          passed += passing(rate, 60);
          clock.tick(ms);
        }
        ok(passed >= 4 * perSecond - 2, `${passed} in 3 s at ${perSecond}/s`);
      },
    ),
  );
});

Deno.test("a rate that changes counts from the next one on, and none lets all through", () => {
  const clock = new FakeClock();
  let perSecond: number | undefined = 2;
  const rate = new ChangingRate(() => perSecond, clock);
  const passed = (count: number): number =>
    Array.from({ length: count }, () => rate.take()).filter((each) => each).length;
  strictEqual(passed(5), 2);
  perSecond = 4;
  strictEqual(passed(5), 4);
  perSecond = undefined;
  strictEqual(passed(50), 50);
  perSecond = 1;
  strictEqual(passed(5), 1);
  clock.tick(1000);
  strictEqual(passed(5), 1);
});
