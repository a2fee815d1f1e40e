import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { SentResults } from "../../lib/client/sent_results.ts";
import { FakeClock } from "../support/fake_clock.ts";

const KEEP_MS = 1000;

class Bench {
  readonly clock = new FakeClock();
  emptied = 0;
  readonly results = new SentResults(this.clock, KEEP_MS, () => this.emptied++);
}

Deno.test("a CALLRESULT is known by its MessageId, once", () => {
  const { results } = new Bench();
  results.add("1", "A");
  results.add("2", "B");
  strictEqual(results.take("3"), undefined);
  strictEqual(results.take("1"), "A");
  strictEqual(results.take("1"), undefined);
  strictEqual(results.take("2"), "B");
});

Deno.test("of two CALLRESULTs with one MessageId the later one counts", () => {
  const { results, clock } = new Bench();
  results.add("1", "A");
  clock.tick(KEEP_MS - 1);
  results.add("1", "B");
  clock.tick(KEEP_MS - 1);
  strictEqual(results.take("1"), "B");
  strictEqual(results.take("1"), undefined);
});

Deno.test("no more than the last eight are remembered", () => {
  const { results } = new Bench();
  for (let i = 0; i < 20; i++) results.add(String(i), `A${i}`);
  const known = Array.from({ length: 20 }, (_, i) => results.take(String(i)));
  deepStrictEqual(
    known.map((action) => action !== undefined),
    Array.from({ length: 20 }, (_, i) => i >= 12),
  );
  strictEqual(known[12], "A12");
});

Deno.test("each is forgotten after its time, and with the last one the timer goes", () => {
  const bench = new Bench();
  const { results, clock } = bench;
  results.add("1", "A");
  clock.tick(400);
  results.add("2", "B");
  results.add("3", "C");
  strictEqual(clock.timers, 1);
  clock.tick(600);
  strictEqual(results.take("1"), undefined);
  strictEqual(results.take("3"), "C");
  strictEqual(clock.timers, 1);
  clock.tick(399);
  strictEqual(bench.emptied, 0);
  clock.tick(1);
  deepStrictEqual([bench.emptied, clock.timers, results.take("2")], [1, 0, undefined]);
});

Deno.test("no timer is left when all were taken or forgotten", () => {
  for (const end of ["take", "clear"] as const) {
    const bench = new Bench();
    bench.results.add("1", "A");
    if (end === "take") bench.results.take("1");
    else bench.results.clear();
    deepStrictEqual([bench.emptied, bench.clock.timers], [1, 0]);
    // It can be used again.
    bench.results.add("2", "B");
    strictEqual(bench.results.take("2"), "B");
  }
});
