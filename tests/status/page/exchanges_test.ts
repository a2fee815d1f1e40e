import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { FollowedRow } from "../../../lib/cluster/followed.ts";
import { summaryOf } from "../../../lib/codec/summary.ts";
import { Exchanges, isItemShown, jsonLines } from "../../../lib/status/page/exchanges.js";

/** A frame of a connection; its number is its time. */
function frame(
  number: number,
  direction: "in" | "out",
  text: string,
  { connectionId = "c1", withText = false } = {},
): FollowedRow {
  const rest = { connectionId, at: number, number, direction, size: text.length };
  return { kind: "frame", ...rest, ...summaryOf(text), text: withText ? text : null };
}

function connected(at: number, connectionId = "c1"): FollowedRow {
  return { kind: "connected", connectionId, at, protocol: "ocpp1.6", remoteAddress: "192.0.2.1" };
}

function lost(at: number, connectionId = "c1"): FollowedRow {
  return { kind: "disconnected", connectionId, at, cause: "lost", code: 1006, reason: "" };
}

/** What the items say. */
function said({ items }: Exchanges): unknown[][] {
  return items.map(({ name, direction, outcome, ms }) => [name, direction, outcome, ms]);
}

Deno.test("a CALL and its answer are one exchange, in each direction", () => {
  const exchanges = new Exchanges();
  const [first, ...rest] = [
    frame(1, "in", '[2,"a","BootNotification",{}]'),
    frame(2, "out", '[2,"a","Reset",{}]'),
    frame(3, "in", '[4,"a","NotSupported","no",{}]'),
    frame(4, "out", '[3,"a",{}]'),
  ];
  exchanges.add([first!], true);
  deepStrictEqual(said(exchanges), [["BootNotification", "in", "waiting", null]]);
  const touched = exchanges.add(rest, false);
  deepStrictEqual(said(exchanges), [
    ["BootNotification", "in", "CALLRESULT", 3],
    ["Reset", "out", "CALLERROR NotSupported", 1],
  ]);
  deepStrictEqual([...touched].map(({ level }) => level).toSorted(), ["bad", "good"]);
});

Deno.test("what has no pair is shown for itself", () => {
  const exchanges = new Exchanges();
  exchanges.add([
    frame(1, "in", '[3,"x",{}]'),
    frame(2, "in", "no frame"),
    frame(3, "in", '[6,"s","NotifyPeriodicEventStream",{}]'),
    frame(4, "out", '[4,"-1","RpcFrameworkError","",{}]'),
    frame(5, "in", '[5,"x","FormationViolation","",{}]'),
  ], true);
  deepStrictEqual(said(exchanges), [
    ["CALLRESULT", "in", "", null],
    ["no frame", "in", "no frame", null],
    ["NotifyPeriodicEventStream", "in", "", null],
    ["CALLERROR", "out", "RpcFrameworkError", null],
    ["CALLRESULTERROR", "in", "FormationViolation", null],
  ]);
});

Deno.test("a connection's end ends what waits on it, and on no other", () => {
  const exchanges = new Exchanges();
  exchanges.add([
    connected(0),
    frame(1, "in", '[2,"a","Heartbeat",{}]'),
    connected(2, "c2"),
    frame(1, "in", '[2,"a","Heartbeat",{}]', { connectionId: "c2" }),
    lost(3),
    frame(2, "out", '[3,"a",{}]', { connectionId: "c2" }),
  ], true);
  deepStrictEqual(said(exchanges).map(([name, , outcome]) => [name, outcome]), [
    ["connected", "ocpp1.6 · 192.0.2.1"],
    ["Heartbeat", "no answer: disconnected"],
    ["connected", "ocpp1.6 · 192.0.2.1"],
    ["Heartbeat", "CALLRESULT"],
    ["disconnected", "1006, lost"],
  ]);
});

Deno.test("what is told again is not shown twice, and brings its payloads", () => {
  const exchanges = new Exchanges();
  const rows = (withText: boolean) => [
    connected(0),
    frame(1, "in", '[2,"a","Act",{"n":1}]', { withText }),
    frame(2, "out", '[3,"a",{}]', { withText }),
  ];
  exchanges.add(rows(false), true);
  const touched = exchanges.add(rows(true), true);
  deepStrictEqual(said(exchanges).map(([name]) => name), ["connected", "Act"]);
  deepStrictEqual([...touched].map(({ name }) => name), ["Act"]);
  strictEqual(jsonLines(exchanges.items).includes('{\\"n\\":1}'), true);
  // And not the other way round.
  exchanges.add(rows(false), true);
  strictEqual(jsonLines(exchanges.items).includes('{\\"n\\":1}'), true);
  exchanges.forgetPayloads();
  strictEqual(jsonLines(exchanges.items).includes('{\\"n\\":1}'), false);
});

Deno.test("a gap is always shown: told by the gateway, in the numbers, and of the page's own", () => {
  const beat = (number: number) => frame(number, "in", `[2,"${number}","Beat",{}]`);
  const rows: [told: [FollowedRow[], boolean][], names: (string | RegExp)[]][] = [
    [[[[beat(7)], true], [[beat(8)], false]], ["Beat", "Beat"]],
    [[[[beat(7)], true], [[beat(9)], false]], ["Beat", "gap", "Beat"]],
    [[[[connected(0), beat(2)], true]], ["connected", "gap", "Beat"]],
    [[[[beat(7)], true], [[beat(7), beat(8)], true]], ["Beat", "Beat"]],
    [[[[beat(7)], true], [[beat(8)], true]], ["Beat", "gap", "Beat"]],
    [[[[beat(7)], true], [[], true]], ["Beat", "gap"]],
    [[[[], true], [[beat(7)], true]], ["Beat"]],
    [
      [[[{ kind: "gap", connectionId: null, at: 1, why: "left" }, beat(7)], true]],
      ["gap", "Beat"],
    ],
    // One is enough.
    [
      [[[beat(1)], true], [
        [{ kind: "gap", connectionId: null, at: 1, why: "too_much" }, beat(7)],
        false,
      ]],
      ["Beat", "gap", "Beat"],
    ],
  ];
  for (const [told, names] of rows) {
    const exchanges = new Exchanges();
    for (const [each, isFirst] of told) exchanges.add(each, isFirst);
    deepStrictEqual(exchanges.items.map(({ kind, name }) => kind === "gap" ? kind : name), names);
  }
});

Deno.test("there are 500 at most, and what is gone leaves nothing behind", () => {
  const exchanges = new Exchanges();
  for (let n = 1; n <= 2000; n++) {
    exchanges.add([frame(n, "in", `[2,"${n}","Beat",{}]`)], n === 1);
  }
  deepStrictEqual([exchanges.items.length, exchanges.isCut], [500, true]);
  exchanges.add([frame(2001, "out", '[3,"1",{}]')], false);
  deepStrictEqual(said(exchanges).at(-1)?.[0], "CALLRESULT");
});

Deno.test("the list is filtered by a part of the Action, and by kind; gaps stay", () => {
  const exchanges = new Exchanges();
  exchanges.add([
    connected(0),
    frame(1, "in", '[2,"a","BootNotification",{}]'),
    frame(2, "out", '[4,"a","InternalError","",{}]'),
    frame(3, "out", '[2,"b","Reset",{}]'),
    frame(5, "in", '[6,"s","Notify",{}]'),
  ], true);
  const shown = (action: string, type: string) =>
    exchanges.items.filter((item) => isItemShown(item, { action, type }))
      .map(({ kind, name }) => kind === "gap" ? kind : name);
  deepStrictEqual(shown("", ""), ["connected", "BootNotification", "Reset", "gap", "Notify"]);
  deepStrictEqual(shown("NOTIF", ""), ["BootNotification", "gap", "Notify"]);
  deepStrictEqual(shown("", "in"), ["BootNotification", "gap"]);
  deepStrictEqual(shown("", "out"), ["Reset", "gap"]);
  deepStrictEqual(shown("", "failed"), ["BootNotification", "gap"]);
  deepStrictEqual(shown("", "send"), ["gap", "Notify"]);
  deepStrictEqual(shown("", "connection"), ["connected", "gap"]);
});

Deno.test("a download has a line for each row, as a recording has it", () => {
  const exchanges = new Exchanges();
  exchanges.add([
    frame(1, "in", '[2,"a","Act",{}]', { withText: true }),
    frame(2, "in", '[2,"b","Act",{}]', { withText: true }),
    frame(3, "out", '[3,"a",{}]', { withText: true }),
  ], true);
  const lines = jsonLines(exchanges.items).trimEnd().split("\n").map((line) => JSON.parse(line));
  deepStrictEqual(lines.map(({ at, text }) => [at, text]), [
    ["1970-01-01T00:00:00.001Z", '[2,"a","Act",{}]'],
    ["1970-01-01T00:00:00.002Z", '[2,"b","Act",{}]'],
    ["1970-01-01T00:00:00.003Z", '[3,"a",{}]'],
  ]);
});
