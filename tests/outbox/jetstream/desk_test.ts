import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { callText, readEntry } from "../../../lib/outbox/jetstream/entry_text.ts";
import { readSign } from "../../../lib/outbox/jetstream/sign_text.ts";
import { SIGN_KEPT_MS } from "../../../lib/outbox/jetstream/times.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { call, clientOf, disconnect, outcomeOf } from "../entries.ts";
import { FakeJetStream, FakeProcess, pass } from "./fake_ledger.ts";

/** Two processes, a and b, that have heard of each other. */
async function two(): Promise<
  { jetStream: FakeJetStream; clock: FakeClock; a: FakeProcess; b: FakeProcess }
> {
  const jetStream = new FakeJetStream();
  const clock = new FakeClock();
  const a = new FakeProcess(jetStream, clock, "a");
  const b = new FakeProcess(jetStream, clock, "b");
  await a.start();
  await b.start();
  await pass(clock, 3000);
  return { jetStream, clock, a, b };
}

/** The ids of what is in the ledger, in order. */
function idsIn({ entries }: FakeJetStream): string[] {
  return entries.messages.map(({ text }) => {
    const { entry } = readEntry(text)!;
    return "call" in entry ? entry.call.id : entry.report.id;
  });
}

Deno.test("a CALL is told to be kept when it is in the ledger, and not before", async () => {
  const { jetStream, a } = await two();
  const one = call("1");
  const batch = a.say((changes) => changes.accept(one));
  strictEqual(a.answer(batch), undefined);
  await a.settle();
  strictEqual(a.answer(batch), true);
  deepStrictEqual(idsIn(jetStream), [one.id]);
  await a.end(outcomeOf(one));
  ok("report" in readEntry(jetStream.entries.messages[0]!.text)!.entry);
  await a.delivered(one.id);
  deepStrictEqual(idsIn(jetStream), []);
});

Deno.test("a write without an answer is repeated, and is there once", async () => {
  const { jetStream, clock, a } = await two();
  a.ledger.weather = "deaf";
  const one = call("1");
  const batch = a.say((changes) => changes.accept(one));
  await pass(clock, 100);
  strictEqual(a.answer(batch), undefined);
  a.ledger.weather = "fine";
  await pass(clock, 500);
  strictEqual(a.answer(batch), true);
  deepStrictEqual(idsIn(jetStream), [one.id]);
  // Where it may be there nothing is written as if it was not: that would go through all servers in vain.
  const created = a.ledger.asked.filter((asked) => asked.endsWith(`${one.id} 0`));
  strictEqual(created.length, 1);
  await a.delivered(one.id);
  deepStrictEqual(idsIn(jetStream), []);
});

Deno.test("a CALL that cannot be kept in time is refused, and nothing of it is found later", async () => {
  const { jetStream, clock, a } = await two();
  a.ledger.weather = "deaf";
  const batch = a.say((changes) => changes.accept(call("1")));
  await pass(clock, 4000);
  strictEqual(a.answer(batch), false);
  a.ledger.weather = "fine";
  await pass(clock, 2000);
  deepStrictEqual(idsIn(jetStream), []);
});

Deno.test("what is delivered does not stay, whatever a server that lags behind says of it", async () => {
  for (const knowsOfCall of [false, true]) {
    const { jetStream, clock, a } = await two();
    const one = call("1");
    const before = jetStream.entries.messages;
    strictEqual(await a.accept(one), true);
    a.ledger.lagging = knowsOfCall ? jetStream.entries.messages : before;
    a.ledger.weather = "deaf";
    await a.end(outcomeOf(one));
    await pass(clock, 100);
    a.ledger.weather = "fine";
    await a.delivered(one.id);
    await pass(clock, 1000);
    a.ledger.lagging = undefined;
    await pass(clock, 15_000);
    deepStrictEqual(idsIn(jetStream), []);
  }
});

Deno.test("nothing is found later of what is refused, also while a server is asked that is behind", async () => {
  const { jetStream, clock, a } = await two();
  a.ledger.weather = "deaf";
  const batch = a.say((changes) => changes.accept(call("1")));
  await pass(clock, 4000);
  strictEqual(a.answer(batch), false);
  a.ledger.found = () => null;
  a.ledger.weather = "fine";
  await pass(clock, 2000);
  deepStrictEqual(idsIn(jetStream), []);
});

Deno.test("what had no answer is removed from a full stream too", async () => {
  const { jetStream, clock, a } = await two();
  a.ledger.weather = "deaf";
  a.say((changes) => changes.accept(call("1")));
  await pass(clock, 4000);
  // It does not even look what is there.
  a.ledger.answer = (subject) => subject.includes(".led.") ? { kind: "full" } : undefined;
  a.ledger.weather = "fine";
  await pass(clock, 2000);
  deepStrictEqual(idsIn(jetStream), []);
});

Deno.test("of two CALLs under one id one is kept, and no store waits for its word for ever", async () => {
  const { jetStream, a } = await two();
  const heard: typeof a.heard = [];
  const port = a.attach(2, heard);
  const [one, other, next] = [call("1"), call("2"), call("3")];
  const first = a.say((changes) => changes.accept(one));
  const second = a.say((changes) => {
    changes.accept({ ...one, messageId: "again" });
    changes.accept(other);
  }, port);
  const third = a.say((changes) => changes.accept({ ...one, messageId: "once more" }), port);
  await a.settle();
  strictEqual(a.answer(first), true);
  deepStrictEqual(
    heard.map((message) => message.kind === "written" && [message.batch, message.isKept]),
    [[third, false], [second, false]],
  );
  deepStrictEqual(idsIn(jetStream), [one.id]);
  strictEqual(await a.accept(next), true);
});

Deno.test("who is cut off keeps no CALL, says so once, and keeps them again when it is back", async () => {
  const { clock, a } = await two();
  a.ledger.weather = "cut";
  await pass(clock, 6500);
  strictEqual(await a.accept(call("1")), false);
  await pass(clock, 5000);
  deepStrictEqual(a.told.map(({ kind }) => kind), ["failing"]);
  a.ledger.weather = "fine";
  await pass(clock, 3000);
  strictEqual(await a.accept(call("2")), true);
  ok(a.told.some(({ kind }) => kind === "writing"));
});

Deno.test("what is told while NATS is away is written when it is back, in its order", async () => {
  const { jetStream, clock, a } = await two();
  const calls = [1, 2, 3].map((n) => call(`${n}`));
  strictEqual(await a.accept(...calls), true);
  a.ledger.isUp = false;
  for (const each of calls.toReversed()) await a.end(outcomeOf(each));
  const left = disconnect();
  await a.end(left);
  await a.delivered(calls[1]!.id);
  await pass(clock, 2000);
  a.ledger.isUp = true;
  a.ledger.follower!.up();
  await pass(clock, 1000);
  deepStrictEqual(idsIn(jetStream), [calls[2]!.id, calls[0]!.id, left.id]);
});

Deno.test("what a killed owner had is another one's within 9 s, in the order in which it came to be", async () => {
  const { jetStream, clock, a, b } = await two();
  const calls = Array.from({ length: 7 }, (_, n) => call(`${n}`));
  strictEqual(await a.accept(...calls), true);
  const ended = calls.slice(0, 5).reverse();
  for (const each of ended) await a.end(outcomeOf(each));
  a.kill();
  await pass(clock, 5000);
  deepStrictEqual(b.got, { calls: [], reports: [] });
  await pass(clock, 4000);
  deepStrictEqual(b.got, {
    calls: calls.slice(5).map(({ id }) => id),
    reports: ended.map(({ id }) => id),
  });
  // Delivered, it is gone, and so is the one that had it, when it can hardly come back.
  await b.delivered(...calls.map(({ id }) => id));
  await pass(clock, 25_000);
  deepStrictEqual(jetStream.entries.messages, []);
  deepStrictEqual(
    jetStream.owners.messages.map(({ subject }) => subject).sort(),
    ["p.own.a0", "p.own.b0"],
  );
  await pass(clock, SIGN_KEPT_MS);
  deepStrictEqual(jetStream.owners.messages.map(({ subject }) => subject), ["p.own.b0"]);
});

Deno.test("of several survivors one inherits, and all of it", async () => {
  const { jetStream, clock, a, b } = await two();
  const c = new FakeProcess(jetStream, clock, "c");
  await c.start();
  const calls = Array.from({ length: 20 }, (_, n) => call(`${n}`));
  await a.accept(...calls);
  a.kill();
  await pass(clock, 15_000);
  deepStrictEqual([...b.got.calls, ...c.got.calls], calls.map(({ id }) => id));
  ok(b.got.calls.length === 0 || c.got.calls.length === 0);
});

Deno.test("what an heir had that dies as well is inherited again", async () => {
  const { jetStream, clock, a, b } = await two();
  const c = new FakeProcess(jetStream, clock, "c");
  await c.start();
  const [one, two_, own] = [call("1"), call("2"), call("own")];
  await a.accept(one, two_);
  await b.accept(own);
  a.kill();
  c.ledger.weather = "cut";
  await pass(clock, 10_000);
  deepStrictEqual(b.got.calls, [one.id, two_.id]);
  await b.delivered(two_.id);
  b.kill();
  c.ledger.weather = "fine";
  await pass(clock, 20_000);
  deepStrictEqual(c.got.calls.toSorted(), [one.id, own.id].toSorted());
});

Deno.test("what an heir had inherited comes before what it had itself when it dies as well", async () => {
  const { jetStream, clock, a, b } = await two();
  const [older, newer] = [disconnect(), disconnect()];
  await a.end(older);
  a.kill();
  await pass(clock, 12_000);
  deepStrictEqual(b.got.reports, [older.id]);
  await b.end(newer);
  const c = new FakeProcess(jetStream, clock, "c");
  await c.start();
  b.kill();
  await pass(clock, 12_000);
  deepStrictEqual(c.got.reports, [older.id, newer.id]);
});

Deno.test("an owner that comes back finds that its entries are another one's, and drops them", async () => {
  const { jetStream, clock, a, b } = await two();
  const [pending, ended] = [call("1"), call("2")];
  await a.accept(pending, ended);
  a.ledger.weather = "cut";
  const own = disconnect();
  await a.end(outcomeOf(ended), own);
  await pass(clock, 12_000);
  deepStrictEqual(b.got.calls, [pending.id, ended.id]);
  a.ledger.weather = "fine";
  a.ledger.follower!.up();
  await pass(clock, 1000);
  deepStrictEqual(a.lost.toSorted(), [pending.id, ended.id].toSorted());
  // What never came into the ledger is nobody else's.
  ok(idsIn(jetStream).includes(own.id));
  // It changes nothing of theirs any more, and goes on under another name.
  const before = jetStream.entries.messages.filter(({ subject }) => subject.includes(".a0."));
  await a.end(outcomeOf(pending));
  await a.delivered(ended.id);
  await pass(clock, 1000);
  deepStrictEqual(
    jetStream.entries.messages.filter(({ subject }) => subject.includes(".a0.")),
    before,
  );
  const next = call("3");
  strictEqual(await a.accept(next), true);
  ok(jetStream.entries.messages.some(({ subject }) => subject.startsWith("p.led.a1.")));
});

Deno.test("what a store says of what is lost before it hears of it is not written as something new", async () => {
  const { jetStream, clock, a, b } = await two();
  const [pending, ended] = [call("1"), call("2")];
  await a.accept(pending, ended);
  await a.end(outcomeOf(ended));
  a.ledger.weather = "cut";
  await pass(clock, 12_000);
  a.ledger.weather = "fine";
  await pass(clock, 2000);
  deepStrictEqual(a.lost.toSorted(), [pending.id, ended.id].toSorted());
  await a.end(outcomeOf(pending));
  a.say((changes) => changes.park(ended.id, { at: 5, failure: "status 400", tries: 1 }));
  await pass(clock, 1000);
  deepStrictEqual(
    jetStream.entries.messages.map(({ subject }) => subject.startsWith("p.led.a0.")),
    [true, true],
  );
  // It may come back.
  b.kill();
  await pass(clock, 12_000);
  deepStrictEqual([a.got.calls, a.got.reports], [[pending.id], [ended.id]]);
  await a.end(outcomeOf(pending));
  await a.delivered(pending.id, ended.id);
  deepStrictEqual(jetStream.entries.messages, []);
});

Deno.test("an owner that others cannot hear, and that writes, is not taken for gone", async () => {
  const { clock, a, b } = await two();
  await a.accept(call("1"));
  // The hints are lost; the stream is not.
  const { follower } = b.ledger;
  b.ledger.follower = { ...follower!, ownerSaid: () => {} };
  await pass(clock, 30_000);
  deepStrictEqual(b.got.calls, []);
  strictEqual(await a.accept(call("2")), true);
  deepStrictEqual(a.lost, []);
});

Deno.test("after a time when nobody could write nobody is taken for gone who is there", async () => {
  const { clock, a, b } = await two();
  await a.accept(call("1"));
  a.ledger.weather = b.ledger.weather = "cut";
  await pass(clock, 20_000);
  b.ledger.weather = "fine";
  await pass(clock, 1500);
  a.ledger.weather = "fine";
  await pass(clock, 15_000);
  deepStrictEqual([...a.lost, ...b.got.calls], []);
});

Deno.test("what is left at an orderly end is inherited at once", async () => {
  const { jetStream, clock, a, b } = await two();
  const one = call("1");
  await a.accept(one);
  await a.desk.close();
  await pass(clock, 1000);
  deepStrictEqual(b.got.calls, [one.id]);
  await b.delivered(one.id);
  await pass(clock, 5000);
  await b.desk.close();
  deepStrictEqual([...jetStream.entries.messages, ...jetStream.owners.messages], []);
});

Deno.test("an owner whose sign of life an operator removes is its own heir", async () => {
  const { jetStream, clock, a, b } = await two();
  const one = call("1");
  await a.accept(one);
  for (const { seq } of jetStream.owners.messages) jetStream.owners.remove(seq);
  for (const { seq } of jetStream.entries.messages) jetStream.entries.remove(seq);
  await pass(clock, 20_000);
  deepStrictEqual([...a.lost, ...b.lost, ...b.got.calls], []);
  await a.end(outcomeOf(one));
  deepStrictEqual(idsIn(jetStream), [one.id]);
  strictEqual(await a.accept(call("2")), true);
});

Deno.test("an owner that comes back when all that it had is delivered delivers none of it", async () => {
  const { clock, a, b } = await two();
  const one = call("1");
  await a.accept(one);
  a.ledger.weather = "cut";
  await pass(clock, 10_000);
  await b.delivered(one.id);
  await pass(clock, 1_200_000);
  a.ledger.weather = "fine";
  a.ledger.follower!.up();
  await pass(clock, 3000);
  deepStrictEqual(a.lost, [one.id]);
});

Deno.test("an owner that comes back when its heir has delivered all and left delivers none of it", async () => {
  const { clock, jetStream, a, b } = await two();
  const c = new FakeProcess(jetStream, clock, "c");
  await c.start();
  const one = call("1");
  await a.accept(one);
  a.ledger.weather = "cut";
  await pass(clock, 15_000);
  const [heir, other] = b.got.calls.length > 0 ? [b, c] : [c, b];
  await heir.end(outcomeOf(one));
  await heir.delivered(one.id);
  await pass(clock, 15_000);
  const closing = heir.desk.close();
  await pass(clock, 1000);
  await closing;
  await pass(clock, 5000);
  a.ledger.weather = "fine";
  await pass(clock, 2000);
  deepStrictEqual([a.lost, other.got.calls], [[one.id], []]);
});

Deno.test("who ends with nothing left leaves nothing", async () => {
  const { jetStream, a, b } = await two();
  await a.desk.close();
  await b.desk.close();
  deepStrictEqual([...jetStream.entries.messages, ...jetStream.owners.messages], []);
});

Deno.test("a process that is started again has within 4 s what it had, when its place is known", async () => {
  const jetStream = new FakeJetStream();
  const clock = new FakeClock();
  const a = new FakeProcess(jetStream, clock, "a", "host 127.0.0.1:4000");
  await a.start();
  const one = call("1");
  await a.accept(one);
  a.kill();
  const next = new FakeProcess(jetStream, clock, "next", "host 127.0.0.1:4000");
  await next.start();
  await pass(clock, 4000);
  deepStrictEqual(next.got.calls, [one.id]);
});

Deno.test("who is at a place where another one still writes takes nothing over from it", async () => {
  const jetStream = new FakeJetStream();
  const clock = new FakeClock();
  // Machines of one name behind one address, or a gateway that is started twice.
  const [a, b] = ["a", "b"].map((name) =>
    new FakeProcess(jetStream, clock, name, "host 0.0.0.0:4000")
  ) as [FakeProcess, FakeProcess];
  await a.start();
  const [one, other] = [call("1"), call("2")];
  await a.accept(one);
  await pass(clock, 5000);
  await b.start();
  await b.accept(other);
  await pass(clock, 30_000);
  deepStrictEqual([a.got, a.lost, b.got, b.lost], [
    { calls: [], reports: [] },
    [],
    { calls: [], reports: [] },
    [],
  ]);
});

Deno.test("an heir that others cannot hear, and that writes, keeps what it has taken over", async () => {
  const { jetStream, clock, a, b } = await two();
  const [one, own] = [call("1"), call("own")];
  await a.accept(one);
  await b.accept(own);
  a.kill();
  await pass(clock, 10_000);
  deepStrictEqual(b.got.calls, [one.id]);
  const c = new FakeProcess(jetStream, clock, "c");
  const { follower } = c.ledger;
  c.ledger.follower = { ...follower!, ownerSaid: () => {} };
  await c.start();
  await pass(clock, 40_000);
  deepStrictEqual([c.got.calls, b.lost], [[], []]);
  // Until it dies.
  b.kill();
  await pass(clock, 20_000);
  deepStrictEqual(c.got.calls.toSorted(), [one.id, own.id].toSorted());
});

Deno.test("no word that is not in the stream makes anybody take over from who is there", async () => {
  const { clock, a, b } = await two();
  await a.accept(call("1"));
  const say = (more: object): void => {
    const sign = { owner: "a0", number: 2 ** 51, place: null, isGone: false, heir: null, ...more };
    b.ledger.follower!.ownerSaid("p.own.a0", JSON.stringify(sign));
  };
  say({});
  await pass(clock, 20_000);
  say({ isGone: true, number: 2 ** 51 + 1 });
  await pass(clock, 20_000);
  say({ heir: "x", number: 2 ** 51 + 2 });
  await pass(clock, 20_000);
  deepStrictEqual([b.got.calls, a.lost], [[], []]);
});

Deno.test("an owner whose sign of life is overwritten by nonsense goes on", async () => {
  const { jetStream, clock, a, b } = await two();
  await a.accept(call("1"));
  const [mine] = jetStream.owners.messages.filter(({ subject }) => subject === "p.own.a0");
  jetStream.owners.put("p.own.a0", "what is this", mine!.seq);
  await pass(clock, 10_000);
  strictEqual(await a.accept(call("2")), true);
  deepStrictEqual([b.got.calls, a.lost], [[], []]);
});

Deno.test("many that have gone are taken over from by and by, and each of them", async () => {
  const jetStream = new FakeJetStream();
  const clock = new FakeClock();
  const sign = { number: 1, place: null, isGone: true, heir: null };
  for (let n = 0; n < 200; n++) {
    jetStream.owners.put(`p.own.x${n}`, JSON.stringify({ ...sign, owner: `x${n}` }), 0);
  }
  const a = new FakeProcess(jetStream, clock, "a");
  await a.start();
  const reads = (): number => a.ledger.asked.filter((each) => each.includes(".led.")).length;
  for (let n = 0; n < 5; n++) await a.settle();
  strictEqual(reads(), 32);
  await pass(clock, 20_000);
  const heirs = jetStream.owners.messages.map(({ text }) => readSign(text)?.heir ?? null);
  deepStrictEqual(heirs.filter((heir) => heir === "a0").length, 200);
  await a.desk.close();
  deepStrictEqual(jetStream.owners.messages, []);
});

Deno.test("heirs that name each other, or themselves, hold nothing up", async () => {
  const { jetStream, clock, b } = await two();
  const sign = { number: 1, place: null, isGone: false };
  for (const [owner, heir] of [["x", "y"], ["y", "x"], ["z", "z"]]) {
    jetStream.owners.put(`p.own.${owner}`, JSON.stringify({ ...sign, owner, heir }), 0);
    const one = call(owner!, { id: `of ${owner}` });
    jetStream.entries.put(`p.led.${owner}.c.${owner}`, callText(one, 1), 0);
  }
  b.ledger.follower!.up();
  await pass(clock, 20_000);
  deepStrictEqual(b.got.calls.toSorted(), ["of x", "of y", "of z"]);
});

Deno.test("in a full stream no CALL is kept, what is delivered makes room, and what waited is written", async () => {
  const { jetStream, clock, a } = await two();
  const [one, other] = [call("1"), call("2")];
  await a.accept(one, other);
  jetStream.entries.isFull = true;
  strictEqual(await a.accept(call("3")), false);
  // Its outcome is larger than it.
  await a.end(outcomeOf(one, `{"a":"${"x".repeat(1000)}"}`));
  await a.delivered(other.id);
  deepStrictEqual(idsIn(jetStream), [one.id]);
  strictEqual(await a.accept(call("4")), false);
  jetStream.entries.isFull = false;
  await pass(clock, 1500);
  ok("report" in readEntry(jetStream.entries.messages[0]!.text)!.entry);
  strictEqual(await a.accept(call("5")), true);
  deepStrictEqual(a.told.map(({ kind }) => kind), ["failing", "writing"]);
});

Deno.test("as long as an outcome finds no room no CALL is kept, though that one would find some", async () => {
  const { jetStream, clock, a } = await two();
  const one = call("1");
  await a.accept(one);
  a.ledger.answer = (subject) => subject.endsWith(one.id) ? { kind: "full" } : undefined;
  await a.end(outcomeOf(one));
  for (let n = 0; n < 3; n++) {
    // Right when the outcome is tried again.
    clock.tick(1000);
    strictEqual(await a.accept(call(`${n}`)), false);
  }
  a.ledger.answer = () => undefined;
  await pass(clock, 1500);
  ok("report" in readEntry(jetStream.entries.messages[0]!.text)!.entry);
  strictEqual(await a.accept(call("again")), true);
  deepStrictEqual(a.told.map(({ kind }) => kind), ["failing", "writing"]);
});

Deno.test("in a stream that was made anew nothing is removed that is another one's", async () => {
  const { jetStream, a, b } = await two();
  const [delivered, ended, theirs] = [call("1"), call("2"), call("3")];
  await a.accept(delivered, ended);
  jetStream.entries.clear();
  for (const { follower } of jetStream.ledgers) follower!.anew();
  await b.accept(theirs);
  await a.delivered(delivered.id);
  deepStrictEqual(idsIn(jetStream), [theirs.id]);
  await a.end(outcomeOf(ended));
  deepStrictEqual(idsIn(jetStream), [theirs.id, ended.id]);
  await a.delivered(ended.id);
  deepStrictEqual(idsIn(jetStream), [theirs.id]);
});

Deno.test("what is parked is found parked, with its body", async () => {
  const { clock, a, b } = await two();
  const one = call("1");
  await a.accept(one);
  const report = outcomeOf(one);
  await a.end(report);
  const parked = { at: 5, failure: "status 400", tries: 1 };
  a.say((changes) => changes.park(one.id, parked));
  await a.settle();
  a.kill();
  await pass(clock, 9000);
  const [part] = b.heard.filter(({ kind }) => kind === "inherited");
  ok(part?.kind === "inherited");
  deepStrictEqual(part.reports, [{ ...report, parked }]);
});

Deno.test("what a dead thread had is the main thread's, also when it can be read only later", async () => {
  const { clock, a } = await two();
  const heard: typeof a.heard = [];
  const port = a.attach(2, heard);
  const [pending, ended, unwritten] = [call("1"), call("2"), call("3")];
  a.say((changes) => [pending, ended, unwritten].forEach((each) => changes.accept(each)), port);
  await a.settle();
  a.say((changes) => changes.end(outcomeOf(ended)), port);
  await a.settle();
  a.ledger.isUp = false;
  a.say((changes) => changes.end(outcomeOf(unwritten)), port);
  const found: string[] = [];
  const done = a.desk.recover(2, 1, 7, ({ calls, reports }) => {
    found.push(...[...reports, ...calls].map(({ id }) => id));
  });
  await pass(clock, 3000);
  a.ledger.isUp = true;
  a.ledger.follower!.up();
  await pass(clock, 2000);
  await done;
  deepStrictEqual(found, [ended.id, unwritten.id, pending.id]);
  await a.delivered(...found);
});

Deno.test("what a dead thread had is the main thread's, also when a server is read that is behind", async () => {
  const { clock, a } = await two();
  const port = a.attach(2);
  const one = call("1");
  a.say((changes) => changes.accept(one), port);
  await a.settle();
  a.ledger.isBehind = true;
  const found: string[] = [];
  const done = a.desk.recover(2, 1, 7, ({ calls }) => found.push(...calls.map(({ id }) => id)));
  await pass(clock, 500);
  a.ledger.isBehind = false;
  await pass(clock, 2000);
  await done;
  deepStrictEqual(found, [one.id]);
});

Deno.test("what a dead thread had comes in the order in which it came to be, whatever it was written in", async () => {
  const { clock, a } = await two();
  const port = a.attach(2);
  const reports = Array.from({ length: 5 }, () => disconnect());
  let misses = 1;
  a.ledger.answer = () => misses-- > 0 ? { kind: "unknown" } : undefined;
  for (const report of reports) a.say((changes) => changes.end(report), port);
  await pass(clock, 1000);
  a.ledger.isUp = false;
  const last = disconnect();
  a.say((changes) => changes.end(last), port);
  a.ledger.isUp = true;
  const found: string[] = [];
  const done = a.desk.recover(2, 1, 7, (part) => found.push(...part.reports.map(({ id }) => id)));
  await pass(clock, 1000);
  await done;
  deepStrictEqual(found, [...reports, last].map(({ id }) => id));
});

Deno.test("what another thread has told the outcome of is not what a dead thread left", async () => {
  const { clock, a } = await two();
  const [first, second] = [a.attach(2), a.attach(3)];
  const one = call("1");
  a.say((changes) => changes.accept(one), first);
  await a.settle();
  a.ledger.isUp = false;
  // Its client came to the second thread, and took it along.
  a.say((changes) => changes.end(outcomeOf(one)), second);
  const found: string[] = [];
  const done = a.desk.recover(2, 1, 7, ({ calls, reports }) => {
    found.push(...[...reports, ...calls].map(({ id }) => id));
  });
  await pass(clock, 1000);
  a.ledger.isUp = true;
  a.ledger.follower!.up();
  await pass(clock, 2000);
  await done;
  deepStrictEqual(found, []);
});

Deno.test("ClientIds and ids of any characters come back from the ledger", async () => {
  const { clock, a, b } = await two();
  const odd = call("m.* >", { id: "no UUID: a.*>b", client: clientOf("CP.*> é 😀") });
  await a.accept(odd);
  a.kill();
  await pass(clock, 9000);
  const [part] = b.heard.filter(({ kind }) => kind === "inherited");
  ok(part?.kind === "inherited");
  deepStrictEqual(part.calls, [odd]);
});

Deno.test("an entry that cannot be read is told of once, and holds nothing up", async () => {
  const { jetStream, clock, a, b } = await two();
  const one = call("1");
  await a.accept(one);
  jetStream.entries.put("p.led.a0.x.y", "what is this", 0);
  a.kill();
  let misses = 2;
  b.ledger.answer = (subject) =>
    subject.startsWith("p.led.a0.") && misses-- > 0 ? { kind: "unknown" } : undefined;
  await pass(clock, 12_000);
  deepStrictEqual(b.got.calls, [one.id]);
  await b.delivered(one.id);
  await pass(clock, 30_000 + SIGN_KEPT_MS);
  ok(misses < 0);
  const lines = b.told.flatMap((told) => told.kind === "line" ? [told.event] : []);
  strictEqual(lines.filter((event) => event === "an entry cannot be read").length, 1);
  deepStrictEqual(jetStream.owners.messages.map(({ subject }) => subject), ["p.own.b0"]);
});
