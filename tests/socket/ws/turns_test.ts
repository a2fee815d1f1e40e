import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type Busy, Turns } from "../../../lib/socket/ws/turns.ts";
import { FakeClock } from "../../support/fake_clock.ts";

/** Each look at it takes a millisecond. */
class SlowClock extends FakeClock {
  looks = 0;

  override now(): number {
    return super.now() + this.looks++;
  }
}

Deno.test("those who always have more go on in turn, a few at a time, and the loop is idle in between", () => {
  const clock = new SlowClock();
  const turns = new Turns(clock);
  const went: string[] = [];
  const busy = (name: string): Busy => ({
    goOn() {
      went.push(name);
      turns.enter(this);
    },
  });
  for (const name of ["a", "b", "c"]) turns.enter(busy(name));
  deepStrictEqual(went, [], "not in this turn");
  clock.tick(1);
  ok(went.length > 0 && went.length <= 3, `${went.length} in a turn`);
  for (let i = 0; i < 10; i++) clock.tick(1);
  ok(went.length <= 33, `${went.length} in eleven turns`);
  deepStrictEqual(went.slice(0, 6), ["a", "b", "c", "a", "b", "c"]);
});

Deno.test("who has had enough leaves no timer", () => {
  const clock = new FakeClock();
  const turns = new Turns(clock);
  let count = 0;
  turns.enter({ goOn: () => void count++ });
  clock.tick(1);
  strictEqual(count, 1);
  strictEqual(clock.timers, 0);
});

Deno.test("one that fails does not keep others from going on", () => {
  const clock = new FakeClock();
  const turns = new Turns(clock);
  let count = 0;
  const fails: Busy = {
    goOn() {
      throw new Error("fails");
    },
  };
  turns.enter(fails);
  turns.enter({ goOn: () => void count++ });
  try {
    clock.tick(1);
  } catch {
    // Its own.
  }
  clock.tick(1);
  strictEqual(count, 1);
});
