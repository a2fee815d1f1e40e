import { ok, strictEqual } from "node:assert/strict";
import { isWithin, LIMITS } from "../../bench/guard/limits.ts";
import { LOADS } from "../../bench/peers/scenario.ts";

Deno.test("the guard lets a ratio up to the limit pass, and none above it", () => {
  const limits = { "closed-64": 1.25 };
  strictEqual(isWithin("closed-64", 0.9, limits), true);
  strictEqual(isWithin("closed-64", 1.25, limits), true);
  strictEqual(isWithin("closed-64", 1.2501, limits), false);
});

Deno.test("the guard lets nothing pass that was not measured, or has no limit", () => {
  strictEqual(isWithin("closed-64", NaN, { "closed-64": 1.25 }), false);
  strictEqual(isWithin("closed-65", 1, { "closed-64": 1.25 }), false);
});

Deno.test("each limit of the guard is of a scenario that there is", () => {
  const names = LOADS.map(({ name }) => name);
  for (const name of Object.keys(LIMITS)) ok(names.includes(name), name);
  ok(Object.keys(LIMITS).length >= 2);
});
