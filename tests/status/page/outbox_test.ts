import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { reportText } from "../../../lib/api/outbox.ts";
import type { ListedReport } from "../../../lib/cluster/survey.ts";
import { bodyOf, nameOf, reportsState } from "../../../lib/status/page/outbox.js";
import type { Snapshot } from "../../../lib/status/snapshot.ts";
import { snapshot } from "./snapshot.ts";

Deno.test("the card of reports is calm while nothing is wrong with them, and stands out else", async (t) => {
  const rows: [Partial<Snapshot>, text: string, detail: string, level: string][] = [
    [{}, "0", "none parked · 0 of 100,000 places", ""],
    [
      { reportsWaiting: 3, oldestReportMs: 60_000, reportPlaces: 5 },
      "3",
      "none parked · oldest 1 min 0 s · 5 of 100,000 places",
      "",
    ],
    [
      { reportsWaiting: 3, oldestReportMs: 60_001 },
      "3",
      "none parked · oldest 1 min 0 s · 0 of 100,000 places",
      "bad",
    ],
    [{ reportsParked: 1 }, "0 + 1 parked", "0 of 100,000 places", "bad"],
    [
      { reportsWaiting: 1, reportsParked: 12, oldestReportMs: 1000 },
      "1 + 12 parked",
      "oldest 1 s · 0 of 100,000 places",
      "bad",
    ],
    // The oldest has just gone, and nobody has looked since.
    [{ oldestReportMs: 90_000 }, "0", "none parked · 0 of 100,000 places", ""],
    [{ reportPlaces: 80_000 }, "0", "none parked · 80,000 of 100,000 places", ""],
    [{ reportPlaces: 80_001 }, "0", "none parked · 80,001 of 100,000 places", "warn"],
  ];
  for (const [changes, text, detail, level] of rows) {
    await t.step(JSON.stringify(changes), () => {
      const state = reportsState(snapshot(changes));
      deepStrictEqual(state, { text, detail, level, outage: "" });
    });
  }
  await t.step("it says since when the backend is away", () => {
    const at = 1_000_000;
    const { outage } = reportsState(snapshot({ at, backendOutSince: at - 62_000 }));
    match(outage, /^Backend away since \d\d:\d\d:\d\d, 1 min 2 s$/);
  });
});

Deno.test("a body is shown byte for byte, whatever the report is called", () => {
  const hostile = fc.oneof(
    fc.string(),
    fc.constantFrom(',"body":', '","body":{},"since":"', '\\","since":', ""),
  );
  const names = fc.record({
    client: hostile,
    action: fc.option(hostile),
    messageId: fc.option(hostile),
    lastFailure: fc.option(hostile),
    body: fc.oneof(
      hostile.map((text) => JSON.stringify({ [text]: text })),
      fc.constantFrom("null", '{ "a" : 1.0 }', '{"since":{"body":1},"body":[]}'),
    ),
  });
  fc.assert(fc.property(names, (changes) => {
    const report: ListedReport = {
      ...{ id: "x", state: "parked", kind: "result", since: 0, tries: 1 },
      ...changes,
    };
    strictEqual(bodyOf(reportText(report)), changes.body);
  }));
});

Deno.test("a report is named by what it is about", () => {
  const report = { kind: "result", client: "CP1", action: "Reset", messageId: "r1" };
  strictEqual(nameOf(report), "result Reset r1 of CP1");
  const end = { kind: "disconnect", client: "CP1", action: null, messageId: null };
  strictEqual(nameOf(end), "disconnect of CP1");
});
