import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { Retained } from "../../lib/cluster/retained.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { runs } from "../support/runs.ts";

Deno.test("whatever is put, deleted and dropped: the oldest goes first, and none is kept for too long", () => {
  const action = fc.oneof(
    fc.record({ kind: fc.constant("put" as const), name: fc.nat(9) }),
    fc.record({ kind: fc.constant("delete" as const), name: fc.nat(9) }),
    fc.record({ kind: fc.constant("drop" as const), name: fc.constant(0) }),
    fc.record({ kind: fc.constant("tick" as const), name: fc.nat(60) }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const clock = new FakeClock();
      const dropped: number[] = [];
      const retained = new Retained<number>({
        ...{ clock, retentionMs: 100 },
        onDrop: (_, value) => dropped.push(value),
      });
      let model: { name: number; value: number; since: number }[] = [];
      const gone: number[] = [];
      for (const [value, { kind, name }] of actions.entries()) {
        const rest = model.filter((each) => each.name !== name);
        switch (kind) {
          case "put":
            retained.delete(`${name}`);
            retained.put(`${name}`, value, 2);
            model = [...rest, { name, value, since: clock.now() }];
            break;
          case "delete":
            retained.delete(`${name}`);
            model = rest;
            break;
          case "drop": {
            const [oldest] = model.splice(0, 1);
            strictEqual(retained.dropOldest(), oldest !== undefined);
            if (oldest !== undefined) gone.push(oldest.value);
            break;
          }
          case "tick":
            clock.tick(name);
            gone.push(
              ...model.filter(({ since }) => since + 100 <= clock.now()).map((each) => each.value),
            );
            model = model.filter(({ since }) => since + 100 > clock.now());
        }
        deepStrictEqual([retained.size, retained.bytes], [model.length, 2 * model.length]);
        deepStrictEqual(dropped, gone);
        for (const each of model) strictEqual(retained.get(`${each.name}`), each.value);
      }
      retained.close();
      strictEqual(clock.timers, 0);
    }),
    { numRuns: runs(500) },
  );
});

Deno.test("to forget 200,000 takes no time for each that went before it", () => {
  const clock = new FakeClock();
  const retained = new Retained<number>({ clock, retentionMs: 1000 });
  for (let i = 0; i < 200_000; i++) retained.put(`${i}`, i, 1);
  const since = performance.now();
  clock.tick(1000);
  // Some 50 ms; 20 s and more when each one looks for its turn from the beginning.
  ok(performance.now() - since < 5000);
  strictEqual(retained.size, 0);
});
