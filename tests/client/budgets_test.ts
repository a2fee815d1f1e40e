import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Budgets } from "../../lib/client/budgets.ts";
import { FakeClock } from "../support/fake_clock.ts";

function bench(): { clock: FakeClock; budgets: Budgets; over: () => number } {
  const clock = new FakeClock();
  let over = 0;
  return { clock, budgets: new Budgets(clock, () => over++), over: () => over };
}

Deno.test("1,000 frames that lead nowhere are taken in ten seconds, and no more", () => {
  const { clock, budgets, over } = bench();
  for (let i = 0; i < 1000; i++) ok(budgets.takeFrame());
  clock.tick(9999);
  strictEqual(over(), 0);
  ok(!budgets.takeFrame());
});

Deno.test("after ten seconds it may be dropped, and leaves no timer", () => {
  const { clock, budgets, over } = bench();
  strictEqual(clock.timers, 0);
  budgets.takeFrame();
  budgets.takeParsing(1);
  strictEqual(clock.timers, 1);
  clock.tick(10_000);
  deepStrictEqual([over(), clock.timers], [1, 0]);
});

Deno.test("200 ms of parsing are taken in a second, and no more", () => {
  const { clock, budgets } = bench();
  ok(budgets.takeParsing(150));
  clock.tick(999);
  ok(budgets.takeParsing(50));
  ok(!budgets.takeParsing(0.1));
});

Deno.test("parsing is counted anew after a second", () => {
  const { clock, budgets } = bench();
  for (let i = 0; i < 20; i++) {
    ok(budgets.takeParsing(200));
    clock.tick(1000);
  }
});

Deno.test("after a close 1,000 messages are waited for, but none of a client that spent a budget", () => {
  const one = bench().budgets;
  one.close();
  for (let i = 1; i < 1000; i++) ok(one.takeAfterClose());
  ok(!one.takeAfterClose());

  const { clock, budgets, over } = bench();
  budgets.takeParsing(201);
  budgets.close();
  ok(!budgets.takeAfterClose());
  clock.tick(20_000);
  deepStrictEqual([over(), clock.timers], [0, 0]);
});
