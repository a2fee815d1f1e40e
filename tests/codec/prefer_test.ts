import { ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { MAX_WAIT_SECONDS, readWaitSeconds } from "../../lib/codec/prefer.ts";
import { runs } from "../support/runs.ts";

Deno.test("a wait is read in whole seconds", async (t) => {
  const rows: [header: string, seconds: number][] = [
    ["wait=1", 1],
    ["wait=10", 10],
    ['wait="10"', 10],
    ["WAIT=10", 10],
    ["  wait = 10  ", 10],
    ["wait=007", 7],
    ["wait=10; foo=bar", 10],
    ["respond-async, wait=10", 10],
    ["respond-async,wait=10,return=minimal", 10],
    ["wait=10, wait=20", 10],
    [`wait=${MAX_WAIT_SECONDS}`, MAX_WAIT_SECONDS],
    [`wait=${MAX_WAIT_SECONDS + 1}`, MAX_WAIT_SECONDS],
    ["wait=999999999", MAX_WAIT_SECONDS],
  ];
  for (const [header, seconds] of rows) {
    await t.step(header, () => strictEqual(readWaitSeconds(header), seconds));
  }
});

Deno.test("what is no wait counts as absent", async (t) => {
  const rows: (string | null)[] = [
    null,
    "",
    "wait",
    "wait=",
    'wait=""',
    "wait=0",
    "wait=00",
    "wait=-1",
    "wait=+1",
    "wait=1.5",
    "wait=1e3",
    "wait=0x10",
    "wait=ten",
    "wait=10s",
    "wait=1 0",
    "wait='10'",
    "wait:10",
    "await=10",
    "wait-long=10",
    "respond-async",
    "respond-async; wait=10",
    "10",
  ];
  for (const header of rows) {
    await t.step(`${header}`, () => strictEqual(readWaitSeconds(header), undefined));
  }
});

Deno.test("a wait of 0 is nobody's wish to wait, whatever comes after it", () => {
  strictEqual(readWaitSeconds("wait=0, wait=5"), undefined);
});

Deno.test("any header at all gives a wait within its bounds or none", () => {
  const part = fc.oneof(
    fc.string(),
    fc.constantFrom("wait", "=", ",", ";", '"', " ", "\t"),
    fc.nat().map(String),
  );
  fc.assert(
    fc.property(fc.array(part).map((parts) => parts.join("")), (header) => {
      const seconds = readWaitSeconds(header);
      if (seconds === undefined) return;
      ok(Number.isInteger(seconds) && seconds >= 1 && seconds <= MAX_WAIT_SECONDS);
    }),
    { numRuns: runs(1000) },
  );
});
