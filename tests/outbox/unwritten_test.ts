import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Unwritten } from "../../lib/outbox/unwritten.ts";
import { call, disconnect } from "./entries.ts";

Deno.test("what is taken out first came first, also of what came meanwhile and of what came again", () => {
  const unwritten = new Unwritten();
  const ids = (max: number): string[] => unwritten.shift(max).map(({ id }) => id);
  for (const id of ["a", "b", "c", "d"]) unwritten.delivered(id);
  deepStrictEqual(ids(2), ["a", "b"]);
  unwritten.remove("c");
  unwritten.delivered("a");
  deepStrictEqual(ids(0), []);
  deepStrictEqual(ids(5), ["d", "a"]);
  deepStrictEqual(ids(5), []);
  unwritten.accept(call("1", { id: "e" }));
  deepStrictEqual(ids(5), ["e"]);
  unwritten.delivered("f");
  deepStrictEqual(unwritten.take().map(({ id }) => id), ["f"]);
  unwritten.delivered("g");
  deepStrictEqual(ids(5), ["g"]);
  strictEqual(unwritten.size, 0);
});

Deno.test("there is room again for bodies that were taken out", () => {
  const report = disconnect();
  const unwritten = new Unwritten({ maxChanges: 10, maxChars: report.report.body.length });
  ok(unwritten.end(report));
  strictEqual(unwritten.end(disconnect()), false);
  unwritten.shift(1);
  ok(unwritten.end(disconnect()));
});

Deno.test("what waited through an outage is taken out in time that grows as it does", () => {
  const unwritten = new Unwritten();
  for (let n = 0; n < 300_000; n++) unwritten.delivered(`${n}`);
  const began = performance.now();
  let count = 0;
  while (unwritten.size > 0) count += unwritten.shift(1).length;
  strictEqual(count, 300_000);
  // Walking from the beginning each time takes more than a minute.
  ok(performance.now() - began < 15_000, `${performance.now() - began} ms`);
});
