import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { callText, readEntry, reportText } from "../../../lib/outbox/jetstream/entry_text.ts";
import { readSign } from "../../../lib/outbox/jetstream/sign_text.ts";
import { SIGN_KEPT_MS } from "../../../lib/outbox/jetstream/times.ts";
import type { KeptReport } from "../../../lib/outbox/entry.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { call, disconnect, outcomeOf } from "../entries.ts";
import { FakeJetStream, FakeProcess, pass } from "./fake_ledger.ts";

/** A survivor, and an owner that is not there any more. */
function heirOf(
  reports: readonly KeptReport[] = [],
  ord: (n: number) => number = (n) => n,
): { jetStream: FakeJetStream; clock: FakeClock; heir: FakeProcess } {
  const jetStream = new FakeJetStream();
  const clock = new FakeClock();
  for (const [n, report] of reports.entries()) {
    const text = reportText(report, ord(n), undefined);
    jetStream.entries.put(`p.led.dead.c.${n}`, text, 0);
  }
  const sign = { owner: "dead", number: 7, place: null, isGone: true, heir: null };
  jetStream.owners.put("p.own.dead", JSON.stringify(sign), 0);
  const heir = new FakeProcess(jetStream, clock, "h");
  return { jetStream, clock, heir };
}

function ids(reports: readonly KeptReport[]): string[] {
  return reports.map(({ id }) => id);
}

Deno.test("what is inherited comes in the order in which it came to be, whatever it was written in", async () => {
  const reports = Array.from({ length: 250 }, () => disconnect());
  // As another heir wrote it that did not come to the end.
  const { heir } = heirOf(reports, (n) => (n + 100) % 250);
  await heir.start();
  await heir.settle();
  await pass(heir.clock, 1000);
  deepStrictEqual(heir.got.reports, ids([...reports.slice(150), ...reports.slice(0, 150)]));
});

Deno.test("an estate that is lost while it is handed over is handed over no further", async () => {
  const reports = Array.from({ length: 250 }, () => disconnect());
  const { jetStream, clock, heir } = heirOf(reports);
  await heir.start();
  for (let n = 0; n < 5; n++) await heir.settle();
  strictEqual(heir.got.reports.length, 100);
  const own = jetStream.owners.messages.find(({ subject }) => subject === "p.own.h0")!;
  const sign = { ...readSign(own.text), heir: "other" };
  jetStream.owners.put(own.subject, JSON.stringify(sign), own.seq);
  heir.ledger.follower!.up();
  await heir.settle();
  strictEqual(heir.lost.length, 250);
  heir.kill();
  await pass(clock, 1000);
  strictEqual(heir.got.reports.length, 100);
});

Deno.test("what cannot be taken over at once holds back what came to be after it, but not for ever", async () => {
  const reports = Array.from({ length: 6 }, () => disconnect());
  for (const misses of [1, 1000]) {
    const { heir, clock } = heirOf(reports);
    let left = misses;
    heir.ledger.answer = (subject) =>
      subject === "p.led.dead.c.2" && left-- > 0 ? { kind: "unknown" } : undefined;
    await heir.start();
    await pass(clock, 3000);
    deepStrictEqual(heir.got.reports, misses === 1 ? ids(reports) : []);
    if (misses === 1) continue;
    await pass(clock, 5000);
    deepStrictEqual(heir.got.reports, ids(reports.toSpliced(2, 1)));
    left = 0;
    await pass(clock, 3000);
    deepStrictEqual(heir.got.reports, ids([...reports.toSpliced(2, 1), reports[2]!]));
  }
});

Deno.test("an heir that may have an heir itself hands nothing over before it knows", async () => {
  const one = call("1");
  const { jetStream, clock, heir } = heirOf();
  jetStream.entries.put("p.led.dead.c.1", callText(one, 1), 0);
  heir.ledger.answer = (subject) => {
    // It stands still as long as others wait before they take over.
    if (subject.startsWith("p.led.dead.")) clock.tick(8000);
    return undefined;
  };
  const started = heir.start();
  heir.ledger.answer("");
  await started;
  deepStrictEqual(heir.got.calls, []);
  heir.ledger.answer = () => undefined;
  await pass(clock, 3000);
  deepStrictEqual(heir.got.calls, [one.id]);
});

Deno.test("who the heir is stays written as long as anything is owed, also when it is removed", async () => {
  const [report] = [disconnect()];
  const { jetStream, clock, heir } = heirOf([report!]);
  const number = (): number | undefined => {
    const last = jetStream.owners.messages.find(({ subject }) => subject === "p.own.dead");
    const sign = last && readSign(last.text);
    ok(sign === undefined || sign.heir === "h0");
    return sign?.number;
  };
  await heir.start();
  await pass(clock, 20_000);
  const before = number()!;
  await pass(clock, 20_000);
  ok(number()! > before);
  for (const { seq } of jetStream.owners.messages) jetStream.owners.remove(seq);
  await pass(clock, 25_000);
  ok(number()! > before);
  await heir.delivered(report!.id);
  await pass(clock, 25_000 + SIGN_KEPT_MS);
  deepStrictEqual(jetStream.entries.messages, []);
  deepStrictEqual(jetStream.owners.messages.map(({ subject }) => subject), ["p.own.h0"]);
});

Deno.test("what an owner wrote right before it found that it has an heir is inherited too", async () => {
  const report = disconnect();
  const late = call("late");
  const { jetStream, clock, heir } = heirOf([report]);
  await heir.start();
  await pass(clock, 10_000);
  heir.ledger.onRemove = () => {
    if (jetStream.entries.messages.length > 0) return;
    heir.ledger.onRemove = () => {};
    jetStream.entries.put("p.led.dead.c.late", callText(late, 99), 0);
  };
  await heir.delivered(report.id);
  await pass(clock, 30_000 + SIGN_KEPT_MS);
  deepStrictEqual(heir.got.calls, [late.id]);
  await heir.end(outcomeOf(late));
  ok("report" in readEntry(jetStream.entries.messages[0]!.text)!.entry);
  await heir.delivered(late.id);
  await pass(clock, 30_000 + SIGN_KEPT_MS);
  strictEqual(jetStream.entries.messages.length, 0);
  deepStrictEqual(jetStream.owners.messages.map(({ subject }) => subject), ["p.own.h0"]);
});
