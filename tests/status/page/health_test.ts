import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { backendState, callsState, worstOf } from "../../../lib/status/page/health.js";
import type { Snapshot } from "../../../lib/status/snapshot.ts";
import { histogram, point, snapshot } from "./snapshot.ts";

const NONE = { refused: 0, backend: 0, unreachable: 0, away: 0 };
/** In the first bucket, up to 0.25 s, or beyond the last one, 1 s. */
const [QUICK, HANGING] = [histogram(100, 0, 0, 0), histogram(0, 0, 0, 100)];

/** Five minutes in which the backend's p95 was so much. */
function usual(backendP95: number, seconds = 300) {
  return Array.from(
    { length: seconds },
    (_, i) => point({ at: 1_000_000 - 1000 * (seconds - i), backendP95 }),
  );
}

/** Points of the last seconds, in which so many waited. */
function waiting(...counts: number[]) {
  return counts.map((waiting, i) =>
    point({ at: 1_000_000 - 1000 * (counts.length - 1 - i), waiting })
  );
}

Deno.test("failed CALLs are told by their part of all, and by cause", async (t) => {
  const older = snapshot({
    at: 990_000,
    answeredCalls: 1000,
    failedCalls: { ...NONE, refused: 7 },
  });
  const rows: [Partial<Snapshot>, text: string, detail: string, level: string][] = [
    [{ answeredCalls: 1000 }, "0 %", "no CALL ended", ""],
    [{ answeredCalls: 1500 }, "0 %", "none of 500", ""],
    [
      { answeredCalls: 3000, failedCalls: { ...NONE, refused: 8 } },
      "< 0.1 %",
      "0.1 / s · of 2,000: 1 refused",
      "",
    ],
    [
      { answeredCalls: 2000, failedCalls: { ...NONE, refused: 7, away: 10 } },
      "1 %",
      "1 / s · of 1,000: 10 held back, backend away",
      "warn",
    ],
    [
      {
        answeredCalls: 2000,
        failedCalls: { refused: 387, backend: 400, unreachable: 100, away: 0 },
      },
      "88 %",
      "88 / s · of 1,000: 380 refused, 400 by the backend, 100 unreachable",
      "bad",
    ],
    [
      { answeredCalls: 1010, failedCalls: { ...NONE, refused: 7, backend: 1 } },
      "10 %",
      "0.1 / s · of 10: 1 by the backend",
      "bad",
    ],
  ];
  for (const [changes, text, detail, level] of rows) {
    const after = snapshot({ failedCalls: { ...NONE, refused: 7 }, ...changes });
    await t.step(text, () => deepStrictEqual(callsState(older, after), { text, detail, level }));
  }
});

Deno.test("the backend is judged by its failures, its own past and what waits", async (t) => {
  const older = snapshot({ at: 990_000, backendRequests: { "2xx": 10, "5xx": 10 } });
  const answered = { backendRequests: { "2xx": 1010, "5xx": 10 }, backendSeconds: QUICK };
  const rows: [string, Partial<Snapshot>, string, string, ReturnType<typeof usual>?][] = [
    ["nothing", {}, "Idle", "idle"],
    ["all is well", answered, "Healthy", "good"],
    [
      "errors that it means",
      { backendRequests: { "2xx": 20, "4xx": 50, "5xx": 10, refused: 50 } },
      "Healthy",
      "good",
    ],
    [
      "one failure in a thousand",
      { backendRequests: { "2xx": 1009, "5xx": 11 } },
      "Answering",
      "idle",
    ],
    ["one in a hundred", { backendRequests: { "2xx": 109, "5xx": 11 } }, "Degraded", "warn"],
    ["one in ten", { backendRequests: { "2xx": 19, timeout: 1, "5xx": 10 } }, "Failing", "bad"],
    [
      "answers that are no JSON",
      { backendRequests: { "2xx": 30, "5xx": 10 }, failedCalls: { ...NONE, backend: 20 } },
      "Failing",
      "bad",
    ],
    [
      "most cannot reach it",
      { backendRequests: { "2xx": 15, "5xx": 10, unreachable: 5 } },
      "Unreachable",
      "bad",
    ],
    ["nobody tries any more", { backendOutSince: 900_000 }, "Unreachable", "bad"],
    ["away", { ...answered, backendAway: 1 }, "Away", "bad"],
    [
      "CALLs are refused",
      { ...answered, failedCalls: { ...NONE, refused: 1 } },
      "Answering",
      "idle",
    ],
    ["slow against its past", { ...answered, backendSeconds: HANGING }, "Slow", "warn", usual(300)],
    ["as slow as ever", { ...answered, backendSeconds: HANGING }, "Healthy", "good", usual(400)],
    [
      "three times as much is too little to be called slow",
      { ...answered, backendSeconds: { ...QUICK, bounds: [0.01, 0.02, 0.03] } },
      "Healthy",
      "good",
      usual(1),
    ],
    [
      "slow, whatever it was before",
      { ...answered, backendSeconds: { ...HANGING, bounds: [1, 2, 6] } },
      "Slow",
      "warn",
      usual(6000),
    ],
    [
      "too little is known of its past",
      { ...answered, backendSeconds: HANGING },
      "Healthy",
      "good",
      usual(1, 29),
    ],
    ["waiting grows", answered, "Falls behind", "warn", waiting(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)],
    ["nothing is answered", {}, "Falls behind", "warn", waiting(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)],
    [
      "waiting goes up and down",
      answered,
      "Healthy",
      "good",
      waiting(0, 9, 2, 3, 4, 5, 6, 7, 8, 9, 10),
    ],
    ["one more waits", answered, "Healthy", "good", waiting(0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1)],
    ["waiting grows for five seconds", answered, "Healthy", "good", waiting(0, 2, 4, 6, 8, 10)],
  ];
  for (const [name, changes, text, level, points = []] of rows) {
    await t.step(name, () => {
      const state = backendState(older, { ...older, at: 1_000_000, ...changes }, points);
      deepStrictEqual([state.text, state.level], [text, level]);
    });
  }
  await t.step("it says how long it takes", () => {
    const state = backendState(
      older,
      { ...older, ...answered, backendSeconds: HANGING },
      usual(80),
    );
    match(
      state.detail,
      /^p50 ≈ 1,000 ms · p95 ≈ 1,000 ms · 0 of 1,000 failed · p95 usually ≈ 80 ms$/,
    );
  });
});

Deno.test("of several levels the worst counts", () => {
  strictEqual(worstOf(["", "good", "idle"]), "good");
  strictEqual(worstOf(["good", "warn", ""]), "warn");
  strictEqual(worstOf(["warn", "bad", "good"]), "bad");
});
