import { deepStrictEqual } from "node:assert/strict";
import { type ClaimedOutcome, reportedCall } from "../../lib/client/outgoing.ts";
import { silentLog } from "../../lib/log/log.ts";
import { clientOf } from "../cluster/bus_contract.ts";
import { Bench, OK } from "../report/bench.ts";

/** Accepts a CALL with a place, whose client answers at once. @returns What its errand is asked, and told. */
function answered(bench: Bench, name: string): { outcome: ClaimedOutcome; ended: () => number } {
  const { deliveries, clock, metrics } = bench;
  const client = clientOf("CP1");
  const names = { action: "Reset", messageId: name, trace: undefined };
  deliveries.accept({ id: name, client, ...names, acceptedAt: 0, key: undefined }, () => {});
  let outcome!: ClaimedOutcome;
  let ended = 0;
  const call = reportedCall(
    {
      ...{ ...client, dialect: "ocpp1.6", write() {}, noneOutstanding() {} },
      hasRoomForReport: () => true,
      report: (report, options) => deliveries.deliver(client, report, options),
      holdReport: (report, options) => deliveries.hold(client, report, options),
      giveUpReport: (id) => deliveries.giveUp(id),
    },
    {
      ...{ clock, metrics, log: silentLog, callTimeoutText: "30s" },
      limits: { callTimeoutMs: 30_000, callConcurrency: 1, maxQueue: 1, maxQueueChars: 1000 },
    },
    { id: name, ...names, payload: "{}", span: undefined },
    { claim: (claimed) => outcome = claimed, ended: () => void ended++ },
  );
  call.onOutcome({ kind: "result", payload: `{"of":"${name}"}` });
  return { outcome, ended: () => ended };
}

Deno.test("an outcome that another may report has its turn, its place and its end once, whatever becomes of it", async (t) => {
  const rows: [steps: (keyof ClaimedOutcome)[], bodies: string[], ended: number][] = [
    [["report"], ["first", "second"], 1],
    [["drop"], ["second"], 0],
    [["hold", "report"], ["first", "second"], 1],
    [["hold", "drop"], ["second"], 0],
    [["hold", "setAside", "report"], ["second", "first"], 1],
    [["hold", "setAside", "drop"], ["second"], 0],
  ];
  for (const [steps, bodies, ended] of rows) {
    await t.step(steps.join(", "), () => {
      const bench = new Bench();
      bench.answer = () => OK;
      const [first, second] = [answered(bench, "first"), answered(bench, "second")];
      const [begin = "report", ...rest] = steps;
      first.outcome[begin]();
      second.outcome.report();
      for (const step of rest) first.outcome[step]();
      deepStrictEqual(bench.bodies, bodies.map((name) => `{"of":"${name}"}`));
      deepStrictEqual([first.ended(), second.ended()], [ended, 1]);
      deepStrictEqual([bench.counts, bench.metrics.outboxPlaces.own], [[0, 0], 0]);
      const left = bench.store.told.filter((word) => word === "delivered first");
      deepStrictEqual(left.length, 1);
      bench.deliveries.close();
      deepStrictEqual(bench.clock.timers, 0);
    });
  }
});
