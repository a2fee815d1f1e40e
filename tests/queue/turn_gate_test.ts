import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { upgradesPerTurn } from "../../lib/door/upgrades_per_turn.ts";
import { TurnGate } from "../../lib/queue/turn_gate.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("what one turn has no room for begins in the next ones, in order", () => {
  const clock = new FakeClock();
  const begun: number[] = [];
  const gate = new TurnGate<number>(() => 3, clock, (item) => begun.push(item));
  for (let i = 0; i < 8; i++) gate.begin(i);
  const turns = [begun.length];
  while (clock.timers > 0) {
    clock.tick(1);
    turns.push(begun.length);
  }
  deepStrictEqual(turns.slice(0, 3), [3, 6, 8]);
  deepStrictEqual(begun, [0, 1, 2, 3, 4, 5, 6, 7]);
});

Deno.test("nothing is held for good, however the share of a turn changes", () => {
  const step = fc.record({
    share: fc.integer({ min: 1, max: 8 }),
    items: fc.nat(6),
    tick: fc.boolean(),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
    const clock = new FakeClock();
    let share = 8;
    let begun = 0;
    let inTurn = 0;
    let given = 0;
    const gate = new TurnGate<number>(() => share, clock, (item) => {
      strictEqual(item, begun++);
      inTurn++;
    });
    for (const { share: next, items, tick } of steps) {
      share = next;
      const before = inTurn;
      for (let i = 0; i < items; i++) gate.begin(given++);
      strictEqual(inTurn <= Math.max(before, share), true, "no more than the share of a turn");
      if (!tick) continue;
      inTurn = 0;
      clock.tick(1);
      strictEqual(inTurn <= share, true);
    }
    for (let turn = 0; turn < 200; turn++) clock.tick(1);
    deepStrictEqual([begun, clock.timers], [given, 0]);
  }));
});

Deno.test("while much is under way those who are connected go before those who want in", () => {
  deepStrictEqual([0, 200, 201, 1e6].map(upgradesPerTurn), [8, 8, 1, 1]);
});
