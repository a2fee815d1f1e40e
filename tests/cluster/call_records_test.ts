import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { CallRecords, type CallRecordsOptions } from "../../lib/cluster/call_records.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { idOf, Ids } from "../support/retention.ts";
import { clientOf } from "./bus_contract.ts";

function recordsWith(
  more: Partial<CallRecordsOptions> = {},
): { records: CallRecords; clock: FakeClock } {
  const clock = new FakeClock();
  const records = new CallRecords({
    ...{ clock, ids: new Ids(), retentionMs: 1000, maxRecords: 3, maxBytes: 1e6 },
    callTimeoutText: "30s",
    ...more,
  });
  return { records, clock };
}

function callOf(messageId: string, isReported = true) {
  return { action: "Reset", clientId: "CP1", messageId, isReported, protocol: "ocpp1.6" };
}

const RESULT = { kind: "result", payload: '{"a":1.0}' } as const;
const T0 = Date.UTC(2026, 0, 1);

Deno.test("a CALL is known from its acceptance until the retention has passed after its end", () => {
  const { records, clock } = recordsWith();
  const call = records.begin(callOf("1"));
  strictEqual(records.find(callOf("1")), null);
  call.keep();
  const queued = { id: idOf(1), isReported: true, acceptedAt: T0, sentAt: null, endedAt: null };
  const open = { outcome: null, delivery: null, deliveredAt: null };
  deepStrictEqual(records.find(callOf("1")), { ...queued, ...open });
  clock.tick(1);
  call.sent();
  deepStrictEqual(records.find(callOf("1")), { ...queued, ...open, sentAt: T0 + 1 });
  clock.tick(1);
  call.ended(RESULT);
  const ended = { ...queued, sentAt: T0 + 1, endedAt: T0 + 2 };
  const outcome = { kind: "result", body: '{"a":1.0}' };
  deepStrictEqual(records.find(callOf("1")), {
    ...ended,
    ...{ outcome, delivery: "waiting", deliveredAt: null },
  });
  clock.tick(1);
  records.settle(call.id, "parked");
  strictEqual(records.find(callOf("1"))?.delivery, "parked");
  call.settle("delivered");
  deepStrictEqual(records.find(callOf("1")), {
    ...ended,
    ...{ outcome, delivery: "delivered", deliveredAt: T0 + 3 },
  });
  clock.tick(998);
  strictEqual(records.size, 1);
  clock.tick(1);
  deepStrictEqual([records.size, clock.timers], [0, 0]);
  records.settle(call.id, "delivered");
});

Deno.test("how a CALL ended is as the backend is told", () => {
  const { records } = recordsWith({ maxRecords: 10 });
  const generic = (text: string) => `{"code":"GenericError","description":"${text}","details":{}}`;
  const rows = [
    [{ kind: "timeout" }, generic("no answer within 30s")],
    [{ kind: "gone", wasSent: false, reason: "the client went" }, generic("the client went")],
    [
      { kind: "error", codeText: '"C"', descriptionText: '"d"', details: '{"x":1.0}' },
      '{"code":"C","description":"d","details":{"x":1.0}}',
    ],
  ] as const;
  for (const [i, [outcome, body]] of rows.entries()) {
    const call = records.begin(callOf(String(i)));
    call.keep();
    call.ended(outcome);
    deepStrictEqual(records.find(callOf(String(i)))?.outcome, { kind: "error", body });
  }
  const waited = records.begin(callOf("w", false));
  waited.keep();
  waited.neverSent();
  waited.settle("delivered");
  const { outcome, delivery, deliveredAt } = records.find(callOf("w", false))!;
  deepStrictEqual([outcome?.kind, delivery, deliveredAt], ["error", null, null]);
});

Deno.test("one that ends while it is being taken is known, one that is not taken is not", () => {
  const { records } = recordsWith();
  const quick = records.begin(callOf("1"));
  quick.sent();
  quick.ended(RESULT);
  quick.keep();
  strictEqual(records.find(callOf("1"))?.outcome?.kind, "result");
  records.begin(callOf("2")).sent();
  strictEqual(records.find(callOf("2")), null);
  // A duplicate that is refused does not hide the first.
  records.begin(callOf("1"));
  strictEqual(records.find(callOf("1"))?.id, quick.id);
});

Deno.test("of two CALLs with the same names the newest counts, and a late end of the older changes nothing", () => {
  const { records } = recordsWith();
  const older = records.begin(callOf("1"));
  older.keep();
  const newer = records.begin(callOf("1"));
  newer.keep();
  older.ended(RESULT);
  older.drop();
  const { id, outcome } = records.find(callOf("1"))!;
  deepStrictEqual([id, outcome, records.size], [newer.id, null, 1]);
});

Deno.test("beyond the number those that ended first are forgotten; what is under way is not", () => {
  const { records } = recordsWith();
  const calls = ["1", "2", "3"].map((id) => records.begin(callOf(id)));
  for (const call of calls) call.keep();
  const noRoom = records.begin(callOf("4"));
  noRoom.keep();
  noRoom.ended(RESULT);
  strictEqual(records.find(callOf("4")), null);
  calls[1]!.ended(RESULT);
  calls[0]!.ended(RESULT);
  records.begin(callOf("5")).keep();
  const known = ["1", "2", "3", "5"].filter((id) => records.find(callOf(id)) !== null);
  deepStrictEqual(known, ["1", "3", "5"]);
});

Deno.test("beyond the bytes those that ended first are forgotten", () => {
  const { records, clock } = recordsWith({ maxRecords: 100, maxBytes: 1000 });
  const end = (id: string, length: number, char = "x"): void => {
    const call = records.begin(callOf(id));
    call.keep();
    call.ended({ kind: "result", payload: `{"a":"${char.repeat(length)}"}` });
  };
  end("1", 400);
  end("2", 400);
  end("3", 400);
  const known = (ids: string[]) => ids.filter((id) => records.find(callOf(id)) !== null);
  deepStrictEqual(known(["1", "2", "3"]), ["2", "3"]);
  // Two bytes each.
  end("4", 400, "\u0416");
  deepStrictEqual(known(["2", "3", "4"]), ["4"]);
  end("5", 2000);
  deepStrictEqual(known(["4", "5"]), []);
  deepStrictEqual([records.size, clock.timers], [0, 1]);
  records.close();
  strictEqual(clock.timers, 0);
});

Deno.test("what an earlier process left behind is known, and what another instance lost", () => {
  const { records } = recordsWith({ maxRecords: 10 });
  const client = clientOf("CP1");
  const names = { action: "Reset", trace: undefined };
  records.recovered({
    calls: [{ id: idOf(7), client, ...names, messageId: "1", acceptedAt: 5 }],
    reports: [
      {
        id: idOf(8),
        client,
        report: { kind: "result", ...names, messageId: "2", body: '{"a":1.0}' },
        since: 9,
      },
      {
        id: idOf(9),
        client,
        report: { kind: "error", ...names, messageId: "3", body: "{}" },
        since: 9,
        parked: { at: 10, failure: "status 400", tries: 1 },
      },
      { id: idOf(10), client, report: { kind: "disconnect", body: "{}" }, since: 9 },
    ],
  }, "the gateway was restarted");
  records.lost(client, { ...names, messageId: "4", id: idOf(11) });
  const seen = ["1", "2", "3", "4"].map((id) => records.find(callOf(id))!)
    .map(({ id, delivery, outcome }) => [id, delivery, outcome?.kind, outcome?.body]);
  const times = ["1", "2"].map((id) => records.find(callOf(id))!)
    .map(({ acceptedAt, endedAt }) => [acceptedAt, endedAt]);
  deepStrictEqual(times, [[5, T0], [9, 9]]);
  const generic = (text: string) => `{"code":"GenericError","description":"${text}","details":{}}`;
  deepStrictEqual(seen, [
    [idOf(7), "waiting", "error", generic("the gateway was restarted")],
    [idOf(8), "waiting", "result", '{"a":1.0}'],
    [idOf(9), "parked", "error", "{}"],
    [idOf(11), "waiting", "error", generic("the gateway lost the client")],
  ]);
});

Deno.test("of a CALL that another owner has nothing is known here, whatever becomes of it later", () => {
  const { records, clock } = recordsWith({ maxRecords: 10 });
  const calls = ["open", "ended", "kept", "told"].map((id) => records.begin(callOf(id)));
  for (const call of calls) call.keep();
  const [open, ended, , told] = calls;
  for (const call of [ended, told]) call!.ended(RESULT);
  records.lostTo([open!.id, ended!.id, "never heard of"]);
  // That is how who follows its report says it.
  records.settle(told!.id, "lost");
  const known = () =>
    ["open", "ended", "kept", "told"].map((id) => records.find(callOf(id)) !== null);
  deepStrictEqual([known(), records.size], [[false, false, true, false], 1]);
  open!.sent();
  open!.ended(RESULT);
  for (const call of [open, ended, told]) {
    call!.settle("delivered");
    call!.settle("lost");
    records.settle(call!.id, "parked");
  }
  deepStrictEqual([known(), records.size], [[false, false, true, false], 1]);
  // Another CALL under the same names is another one.
  const again = records.begin(callOf("open"));
  again.keep();
  open!.settle("lost");
  records.lostTo([open!.id]);
  strictEqual(records.find(callOf("open"))?.id, again.id);
  clock.tick(1001);
  strictEqual(records.size, 2);
});
