import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { SharedTime, timeOfId, TimeOrderedIds } from "../lib/ids.ts";
import { systemRandom } from "../lib/random.ts";
import { FakeClock } from "./support/fake_clock.ts";
import { Random } from "./support/random.ts";

/** A wall clock that goes as a test says. */
class Wall {
  now = Date.UTC(2026, 0, 1);
  readonly wallNow = (): number => this.now;
}

/** Bytes that are all the same. */
function all(value: number): { bytes: (length: number) => Uint8Array } {
  return { bytes: (length) => new Uint8Array(length).fill(value) };
}

Deno.test("an id is a UUID of version 7 with the wall clock's time", () => {
  const wall = new Wall();
  const id = new TimeOrderedIds(wall, systemRandom).next();
  match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  strictEqual(parseInt(id.slice(0, 8) + id.slice(9, 13), 16), wall.now);
});

Deno.test("each id is greater than the one before, whatever the wall clock does", async (t) => {
  const rows: [name: string, stepMs: (n: number) => number][] = [
    ["it stands", () => 0],
    ["it goes", () => 1],
    ["it goes sometimes", (n) => n % 7 === 0 ? 1 : 0],
    ["it is set back an hour, and goes on", (n) => n === 50 ? -3_600_000 : n % 2],
    ["it runs backwards", () => -1],
  ];
  for (const [name, stepMs] of rows) {
    await t.step(name, () => {
      const wall = new Wall();
      const ids = new TimeOrderedIds(wall, systemRandom);
      const made = Array.from({ length: 1000 }, (_, n) => {
        wall.now += stepMs(n);
        return ids.next();
      });
      deepStrictEqual([...new Set(made)].sort(), made);
    });
  }
});

Deno.test("a count that begins as high as it can has room in its millisecond", () => {
  const wall = new Wall();
  const ids = new TimeOrderedIds(wall, all(255));
  const made = Array.from({ length: 1000 }, () => ids.next());
  deepStrictEqual([...new Set(made)].sort(), made);
  const times = new Set(made.map((id) => id.slice(0, 13)));
  strictEqual(times.size, 1);
});

Deno.test("the same clock and the same random bytes give the same ids, others others", () => {
  const made = [1, 1, 2].map((seed) => {
    const clock = new FakeClock();
    const ids = new TimeOrderedIds(clock, new Random(seed));
    return Array.from({ length: 20 }, (_, n) => {
      clock.tick(n % 3);
      return ids.next();
    });
  });
  deepStrictEqual(made[0], made[1]);
  ok(made[2]!.every((id) => !made[0]!.includes(id)));
});

Deno.test("the time of ids keeps up with the one that is ahead, and never goes back", () => {
  const clock = new FakeClock();
  const time = new SharedTime(clock);
  const start = time.wallNow();
  strictEqual(start, clock.wallNow());
  strictEqual(time.hear(start + 30_000), true);
  clock.tick(1000);
  strictEqual(time.wallNow(), start + 31_000);
  // What is behind changes nothing.
  strictEqual(time.hear(start), true);
  strictEqual(time.wallNow(), start + 31_000);
  const ids = new TimeOrderedIds(time, systemRandom);
  strictEqual(timeOfId(ids.next()), start + 31_000);
});

Deno.test("the time of ids does not follow the wall clock back, and not somebody who is days ahead", () => {
  const clock = new FakeClock();
  let step = 0;
  const time = new SharedTime({ now: () => clock.now(), wallNow: () => clock.wallNow() + step });
  const start = time.wallNow();
  step = -3_600_000;
  clock.tick(10);
  strictEqual(time.wallNow(), start + 10);
  step = 5000;
  strictEqual(time.wallNow(), start + 5010);
  strictEqual(time.hear(start + 25 * 3_600_000), false);
  strictEqual(time.hear(Number.MAX_SAFE_INTEGER), false);
  strictEqual(time.wallNow(), start + 5010);
});

Deno.test("only a UUID of version 7 tells its time", () => {
  strictEqual(timeOfId("01890a5d-ac96-774b-bcce-b302099a8057"), 0x01890a5dac96);
  for (const id of ["c1", "", "01890a5d-ac96-474b-bcce-b302099a8057", "x"]) {
    strictEqual(timeOfId(id), undefined);
  }
});
