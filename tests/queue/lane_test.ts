import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { Lane, type LaneOptions } from "../../lib/queue/lane.ts";
import { microtasks } from "../support/fake_clock.ts";

/** Far more than the short items of most tests come to. */
const MAX_SIZE = 1000;

/** A lane whose items are done when the test says so. */
class Bench {
  /** Items whose handling began, in that order. */
  readonly begun: string[] = [];
  readonly failures: unknown[] = [];
  idle = 0;
  onIdle: () => void = () => {};
  readonly lane: Lane<string>;
  #done: (() => void)[] = [];

  constructor(maxWaiting: number) {
    const handle = (item: string): void => {
      this.begun.push(item);
      this.#done.push(() => this.lane.done(item));
    };
    this.lane = new Lane({
      maxWaiting,
      maxSize: MAX_SIZE,
      sizeOf: (item) => item.length,
      handle,
      onIdle: () => {
        this.idle++;
        this.onIdle();
      },
      failed: (error) => this.failures.push(error),
    });
  }

  /** Items that are being handled at this moment. */
  get underWay(): number {
    return this.#done.length;
  }

  async finishOne(): Promise<void> {
    this.#done.shift()?.();
    await microtasks();
  }
}

Deno.test("a lane handles its items one after the other, in their order", async () => {
  const bench = new Bench(10);
  for (const item of ["a", "b", "c"]) strictEqual(bench.lane.push(item), true);
  for (const begun of [["a"], ["a", "b"], ["a", "b", "c"]]) {
    await microtasks();
    deepStrictEqual([bench.begun, bench.underWay], [begun, 1]);
    await bench.finishOne();
  }
  strictEqual(bench.underWay, 0);
});

Deno.test("an idle lane begins at once", () => {
  const bench = new Bench(1);
  bench.lane.push("a");
  deepStrictEqual(bench.begun, ["a"]);
  strictEqual(bench.lane.waiting, 0);
});

Deno.test("a full lane takes nothing more until one is done", async () => {
  const bench = new Bench(2);
  deepStrictEqual(["a", "b", "c", "d"].map((item) => bench.lane.push(item)), [
    true,
    true,
    true,
    false,
  ]);
  strictEqual(bench.lane.waiting, 2);
  await bench.finishOne();
  deepStrictEqual([bench.lane.push("e"), bench.lane.push("f")], [true, false]);
  for (let i = 0; i < 4; i++) await bench.finishOne();
  deepStrictEqual(bench.begun, ["a", "b", "c", "e"]);
});

Deno.test("a lane without room to wait handles one at a time", async () => {
  const bench = new Bench(0);
  deepStrictEqual([bench.lane.push("a"), bench.lane.push("b")], [true, false]);
  await bench.finishOne();
  strictEqual(bench.lane.push("c"), true);
});

Deno.test("a lane says each time that nothing is left, and not before", async () => {
  const bench = new Bench(10);
  bench.lane.push("a");
  bench.lane.push("b");
  await bench.finishOne();
  strictEqual(bench.idle, 0);
  await bench.finishOne();
  strictEqual(bench.idle, 1);
  bench.lane.push("c");
  await bench.finishOne();
  strictEqual(bench.idle, 2);
});

Deno.test("a lane that is given an item while it reports idle goes on", async () => {
  const bench = new Bench(10);
  bench.onIdle = () => {
    bench.onIdle = () => {};
    bench.lane.push("b");
  };
  bench.lane.push("a");
  await bench.finishOne();
  deepStrictEqual([bench.begun, bench.underWay, bench.idle], [["a", "b"], 1, 1]);
  await bench.finishOne();
  strictEqual(bench.idle, 2);
});

Deno.test("a lane is asked about what waits and what is under way, not about what is done", async () => {
  const bench = new Bench(10);
  bench.lane.push("a");
  bench.lane.push("b");
  const has = (item: string): boolean => bench.lane.find((other) => other === item) === item;
  deepStrictEqual(["a", "b", "c"].map(has), [true, true, false]);
  await bench.finishOne();
  deepStrictEqual(["a", "b", "c"].map(has), [false, true, false]);
  await bench.finishOne();
  deepStrictEqual(["a", "b", "c"].map(has), [false, false, false]);
});

Deno.test("any order of pushing and finishing leaves the lane equal to a plain queue", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(3),
      fc.array(fc.boolean(), { maxLength: 30 }),
      async (maxWaiting, pushes) => {
        const bench = new Bench(maxWaiting);
        const taken: string[] = [];
        let done = 0;
        for (const [i, isPush] of pushes.entries()) {
          const left = taken.length - done;
          strictEqual(bench.lane.isFull, left > maxWaiting);
          if (isPush) {
            const isTaken = bench.lane.push(`${i}`);
            strictEqual(isTaken, left <= maxWaiting);
            if (isTaken) taken.push(`${i}`);
          } else if (left > 0) {
            await bench.finishOne();
            done++;
          }
          const now = taken.length - done;
          deepStrictEqual(bench.begun, taken.slice(0, done + 1));
          deepStrictEqual([bench.lane.waiting, bench.underWay], [Math.max(now - 1, 0), +(now > 0)]);
        }
      },
    ),
  );
});

Deno.test("a lane is full when what waits is too large, however few items it is", async () => {
  const bench = new Bench(10);
  const large = "x".repeat(MAX_SIZE);
  ok(bench.lane.push(large), "being handled does not count");
  ok(bench.lane.push(large));
  strictEqual(bench.lane.size, MAX_SIZE);
  ok(!bench.lane.push("y"));
  await bench.finishOne();
  ok(bench.lane.push("y"), "handling makes room");
});

Deno.test("clearing a lane takes what waits and lets the item being handled end", async () => {
  const bench = new Bench(10);
  for (const item of ["a", "b", "c"]) bench.lane.push(item);
  deepStrictEqual(bench.lane.clear(), ["b", "c"]);
  deepStrictEqual([bench.lane.waiting, bench.lane.size], [0, 0]);
  await bench.finishOne();
  deepStrictEqual([bench.begun, bench.idle], [["a"], 1]);
});

Deno.test("a lane goes on whatever its owner's functions throw", async (t) => {
  const bug = new Error("a bug");
  const throws = (): never => {
    throw bug;
  };
  const rows: [name: string, what: Partial<LaneOptions<string>>, failed: (string | undefined)[]][] =
    [
      ["handle throws", { handle: throws }, ["a", "b", "c"]],
      ["onIdle throws", { onIdle: throws }, [undefined]],
    ];
  for (const [name, what, expected] of rows) {
    await t.step(name, async () => {
      const failed: (string | undefined)[] = [];
      const lane = new Lane<string>({
        maxWaiting: 10,
        maxSize: MAX_SIZE,
        sizeOf: (item) => item.length,
        handle: (item) => void queueMicrotask(() => lane.done(item)),
        onIdle: () => {},
        failed(error, item) {
          strictEqual(error, bug);
          failed.push(item);
          // Of that a lane is not to die either.
          throw error;
        },
        ...what,
      });
      for (const item of ["a", "b", "c"]) lane.push(item);
      await microtasks();
      deepStrictEqual([failed, lane.count, lane.size], [expected, 0, 0]);
      strictEqual(lane.push("d"), true);
      await microtasks();
      strictEqual(lane.count, 0);
    });
  }
});

Deno.test("an item whose size cannot be told is not taken, and one that loses it is handled", async () => {
  const done = Promise.withResolvers<void>();
  const handled: string[] = [];
  let asked = 0;
  const lane = new Lane<string>({
    maxWaiting: 10,
    maxSize: MAX_SIZE,
    sizeOf() {
      if (++asked === 2) return 1;
      throw new Error("a bug");
    },
    handle(item) {
      handled.push(item);
      if (item === "a") void done.promise.then(() => lane.done(item));
      else lane.done(item);
    },
    onIdle: () => {},
    failed: () => {},
  });
  lane.push("a");
  throws(() => lane.push("b"), /a bug/);
  lane.push("c");
  done.resolve();
  await microtasks();
  deepStrictEqual([handled, lane.count], [["a", "c"], 0]);
});

Deno.test("an item that a bug ends is told of, and the next one is handled", async () => {
  const bug = new Error("a bug");
  const handled: string[] = [];
  const failed: [unknown, string | undefined][] = [];
  const lane: Lane<string> = new Lane<string>({
    maxWaiting: 10,
    maxSize: MAX_SIZE,
    sizeOf: (item) => item.length,
    handle(item) {
      handled.push(item);
      queueMicrotask(() => item === "a" ? lane.broke(item, bug) : lane.done(item));
    },
    onIdle: () => {},
    failed: (error, item) => failed.push([error, item]),
  });
  for (const item of ["a", "b"]) lane.push(item);
  await microtasks();
  deepStrictEqual([handled, failed, lane.count], [["a", "b"], [[bug, "a"]], 0]);
});

Deno.test("an item that is done before its handling returns is followed by the next, however many there are", () => {
  const handled: number[] = [];
  let idle = 0;
  const lane: Lane<number> = new Lane<number>({
    maxWaiting: 100_000,
    maxSize: Infinity,
    sizeOf: () => 1,
    handle(item) {
      handled.push(item);
      // What comes in the meantime waits behind those that came before.
      if (item === 0) { for (let i = 1; i <= 50_000; i++) lane.push(i); }
      lane.done(item);
      if (item === 0) lane.push(50_001);
    },
    onIdle: () => idle++,
    failed: (error) => {
      throw error;
    },
  });
  lane.push(0);
  deepStrictEqual(handled, Array.from({ length: 50_002 }, (_, i) => i));
  deepStrictEqual([idle, lane.count], [1, 0]);
});

Deno.test("a lane that is told twice that an item is done goes on with one at a time", () => {
  const bench = new Bench(10);
  for (const item of ["a", "b", "c"]) bench.lane.push(item);
  bench.lane.done("a");
  bench.lane.done("a");
  deepStrictEqual([bench.begun, bench.lane.count], [["a", "b"], 2]);
});
