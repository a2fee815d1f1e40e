import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { readEntry } from "../../../lib/outbox/jetstream/entry_text.ts";
import { KeptEntries } from "../../../lib/outbox/jetstream/kept.ts";
import { Writer } from "../../../lib/outbox/jetstream/writer.ts";
import type { AcceptedCall, KeptReport } from "../../../lib/outbox/entry.ts";
import { type Change, Unwritten } from "../../../lib/outbox/unwritten.ts";
import { FakeClock, microtasks } from "../../support/fake_clock.ts";
import { call, disconnect, outcomeOf } from "../entries.ts";
import { FakeJetStream, FakeLedger } from "./fake_ledger.ts";

/** A writer whose owner is certain when a test says so. */
class Setup {
  readonly clock = new FakeClock();
  readonly jetStream = new FakeJetStream();
  readonly ledger = new FakeLedger(this.jetStream);
  readonly kept = new KeptEntries();
  readonly accepted: [id: string, isKept: boolean][] = [];
  readonly tenure = {
    name: "a",
    isCertain: true,
    isKnown: true,
    confirm: () => Promise.resolve(this.tenure.isCertain),
  };
  readonly writer: Writer;

  constructor(bounds = { maxChanges: 1000, maxChars: 100_000 }) {
    const { kept, tenure, clock } = this;
    this.writer = new Writer({
      ...{ entries: this.ledger.entries, kept, tenure, clock, bounds },
      prefix: "p",
      isUp: () => this.ledger.isUp,
      accepted: (id, isKept) => this.accepted.push([id, isKept]),
      full: () => {},
      tooLarge: () => {},
      unsure: () => {},
    });
  }

  say(tell: (changes: Unwritten) => void): boolean[] {
    const changes = new Unwritten();
    tell(changes);
    const hadRoom = changes.take().map((change: Change) => this.writer.take(change, 1));
    this.writer.run();
    return hadRoom;
  }

  accept(one: AcceptedCall): void {
    this.say((changes) => changes.accept(one));
  }

  end(report: KeptReport): boolean[] {
    return this.say((changes) => changes.end(report));
  }

  async settle(): Promise<void> {
    for (let i = 0; i < 20; i++) await microtasks();
  }
}

Deno.test("of what was refused, had no room or is written nothing is remembered", async () => {
  const setup = new Setup({ maxChanges: 2, maxChars: 1000 });
  const [kept, refused, cut] = [call("1"), call("2"), call("3")];
  setup.accept(kept);
  await setup.settle();
  setup.tenure.isCertain = false;
  setup.accept(refused);
  strictEqual(setup.writer.ids, 0);
  setup.tenure.isCertain = true;
  setup.ledger.weather = "cut";
  setup.accept(cut);
  setup.writer.uncertain();
  setup.ledger.isUp = false;
  deepStrictEqual(setup.end(outcomeOf(kept, "x".repeat(1001))), [false]);
  for (let n = 0; n < 3; n++) setup.end(disconnect());
  setup.tenure.isCertain = false;
  setup.clock.tick(5000);
  await setup.settle();
  deepStrictEqual(setup.accepted, [[kept.id, true], [refused.id, false], [cut.id, false]]);
  setup.ledger.weather = "fine";
  setup.ledger.isUp = true;
  setup.tenure.isCertain = true;
  setup.writer.run();
  setup.clock.tick(5000);
  await setup.settle();
  setup.say((changes) => changes.delivered(kept.id));
  await setup.settle();
  strictEqual(setup.writer.ids, 0);
  strictEqual(setup.kept.size, setup.jetStream.entries.messages.length);
});

Deno.test("what another one wrote is written over only once it is certain that this is the owner", async () => {
  const setup = new Setup();
  const one = call("1");
  setup.accept(one);
  await setup.settle();
  const { entries } = setup.jetStream;
  const [mine] = entries.messages;
  entries.put(mine!.subject, mine!.text, mine!.seq);
  const theirs = entries.messages;
  // Its last sign of life may be an heir's: there is no word of that yet.
  setup.tenure.isCertain = false;
  setup.end(outcomeOf(one));
  for (let n = 0; n < 10; n++) {
    await setup.settle();
    setup.clock.tick(300);
  }
  deepStrictEqual(entries.messages, theirs);
  setup.tenure.isCertain = true;
  await setup.settle();
  setup.clock.tick(300);
  await setup.settle();
  strictEqual(entries.messages.length, 1);
  strictEqual(entries.messages[0]!.text === theirs[0]!.text, false);
  setup.writer.close();
});

Deno.test("a report that was delivered while it was written is not written again by who loses all", async () => {
  const setup = new Setup();
  const report = disconnect();
  setup.end(report);
  setup.say((changes) => changes.delivered(report.id));
  setup.writer.lost();
  setup.writer.run();
  await setup.settle();
  deepStrictEqual(setup.jetStream.entries.messages, []);
  strictEqual(setup.writer.ids, 0);
});

Deno.test("what was under way and never came there is not told to be lost, and is written again", async () => {
  const setup = new Setup();
  setup.ledger.weather = "cut";
  setup.end(disconnect());
  setup.writer.lost();
  deepStrictEqual([...setup.kept.takeAll()], []);
  setup.ledger.weather = "fine";
  setup.writer.run();
  await setup.settle();
  strictEqual(setup.jetStream.entries.messages.length, 1);
  strictEqual(setup.kept.size, 1);
});

Deno.test("what was parked while it was written is written again as parked by who loses all", async () => {
  const setup = new Setup();
  setup.ledger.weather = "cut";
  const report = disconnect();
  setup.end(report);
  const parked = { at: 5, failure: "status 400", tries: 1 };
  setup.say((changes) => changes.park(report.id, parked));
  setup.writer.lost();
  setup.ledger.weather = "fine";
  setup.writer.run();
  await setup.settle();
  const entry = readEntry(setup.jetStream.entries.messages[0]!.text)!.entry;
  deepStrictEqual("report" in entry && entry.report.parked, parked);
});

Deno.test("a CALL does not wait until all is removed that is to be removed", async () => {
  const setup = new Setup({ maxChanges: 10_000, maxChars: 100_000 });
  const delivered = Array.from({ length: 3000 }, () => disconnect());
  for (const report of delivered) setup.end(report);
  for (let n = 0; n < 5; n++) await setup.settle();
  strictEqual(setup.jetStream.entries.messages.length, 3000);
  setup.ledger.isUp = false;
  setup.say((changes) => delivered.forEach(({ id }) => changes.delivered(id)));
  setup.ledger.isUp = true;
  setup.accept(call("1"));
  let left = 0;
  for (let n = 0; n < 1000 && setup.accepted.length === 0; n++) {
    await undefined;
    left = setup.jetStream.entries.messages.length;
  }
  strictEqual(setup.accepted.length, 1);
  ok(left > 2000, `${left} left`);
  setup.writer.close();
});
