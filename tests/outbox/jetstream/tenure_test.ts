import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { readSign } from "../../../lib/outbox/jetstream/sign_text.ts";
import { Tenure } from "../../../lib/outbox/jetstream/tenure.ts";
import { FakeClock, microtasks } from "../../support/fake_clock.ts";
import { FakeJetStream, FakeLedger } from "./fake_ledger.ts";

function setup(): { clock: FakeClock; jetStream: FakeJetStream; tenure: Tenure; lost: string[] } {
  const clock = new FakeClock();
  const jetStream = new FakeJetStream();
  const lost: string[] = [];
  let names = 0;
  const tenure = new Tenure({
    owners: new FakeLedger(jetStream).owners,
    ...{ clock, prefix: "p", newName: () => `a${names++}`, place: () => null, changed: () => {} },
    lost: (before) => lost.push(before),
  });
  return { clock, jetStream, tenure, lost };
}

Deno.test("after its farewell an owner says nothing more, whatever asks for a sign of it", async () => {
  for (const hasEntries of [true, false]) {
    const { clock, jetStream, tenure } = setup();
    await tenure.renew();
    await tenure.close(hasEntries);
    const last = jetStream.owners.messages;
    // A write that was under way finds something else in its place.
    deepStrictEqual([await tenure.renew(), await tenure.confirm()], [false, false]);
    deepStrictEqual(jetStream.owners.messages, last);
    deepStrictEqual(last.map(({ text }) => readSign(text)?.isGone), hasEntries ? [true] : []);
    strictEqual(clock.timers, 0);
  }
});

Deno.test("what a sign proves that is being written already is not taken for proof", async () => {
  const { jetStream, tenure, lost } = setup();
  await tenure.renew();
  const [mine] = jetStream.owners.messages;
  // It is there, and its answer under way, when an heir writes in its place.
  const early = tenure.renew();
  const [newer] = jetStream.owners.messages;
  strictEqual(newer!.seq, mine!.seq + 1);
  const heirs = JSON.stringify({ ...readSign(newer!.text), heir: "b" });
  strictEqual(jetStream.owners.put(newer!.subject, heirs, newer!.seq).kind, "stored");
  await tenure.confirm();
  strictEqual(await early, true);
  await microtasks();
  deepStrictEqual(lost, ["a0"]);
});
