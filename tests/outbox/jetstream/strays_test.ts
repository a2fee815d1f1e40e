import { strictEqual } from "node:assert/strict";
import { reportText } from "../../../lib/outbox/jetstream/entry_text.ts";
import { KeptEntries } from "../../../lib/outbox/jetstream/kept.ts";
import { Strays } from "../../../lib/outbox/jetstream/strays.ts";
import { entrySubject } from "../../../lib/outbox/jetstream/subject.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { disconnect } from "../entries.ts";
import { FakeJetStream, FakeLedger, pass } from "./fake_ledger.ts";

Deno.test("who loses all while it looks for late entries removes nothing of what is its heir's", async () => {
  const jetStream = new FakeJetStream();
  const ledger = new FakeLedger(jetStream);
  const kept = new KeptEntries();
  const clock = new FakeClock();
  let name = "a";
  const strays = new Strays({ ledger, kept, prefix: "p", clock, name: () => name });
  // The fake gives two at once: a late one and one that is kept, and then two that are kept.
  const reports = Array.from({ length: 4 }, () => disconnect());
  for (const [i, report] of reports.entries()) {
    const subject = entrySubject("p", "a", report.client.clientId, report.id);
    const put = jetStream.entries.put(subject, reportText(report, i, undefined), 0);
    if (put.kind !== "stored" || i === 0) continue;
    const entry = { subject, seq: put.seq, isUnsure: false, place: 1, key: undefined };
    kept.set(report.id, entry);
  }
  strays.expect(entrySubject("p", "a", "CP", "x"));
  ledger.onRemove = () => {
    name = "a2";
    kept.takeAll();
  };
  clock.tick(10_000);
  strays.look();
  await pass(clock, 500);
  strictEqual(name, "a2");
  strictEqual(jetStream.entries.messages.length, 3);
});
