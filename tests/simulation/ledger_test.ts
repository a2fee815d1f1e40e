import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { Message, Put } from "../../lib/outbox/jetstream/ledger.ts";
import { ANSWER_MS, GONE_MS } from "../../lib/outbox/jetstream/times.ts";
import { runs } from "../support/runs.ts";
import { Chance } from "./chance.ts";
import { LedgerBook } from "./ledger_book.ts";
import { matches, SimulatedJetStream } from "./jetstream.ts";
import { SimulatedLedger } from "./ledger.ts";
import { Life, LifeClock } from "./life.ts";
import { Past } from "./past.ts";
import { Timeline } from "./timeline.ts";
import { type Faults, NO_FAULTS, Weather } from "./weather.ts";

/** Both streams, and time that the test moves. */
class World {
  readonly timeline = new Timeline();
  readonly chance: Chance;
  readonly faults: string[] = [];
  readonly past: Past;
  readonly book: LedgerBook;
  readonly jetStream: SimulatedJetStream;

  constructor(seed = 1, faults: Partial<Faults> = {}) {
    const { timeline } = this;
    this.chance = new Chance(seed);
    const fault = (text: string): void => void this.faults.push(text);
    this.past = new Past(timeline, 2);
    this.book = new LedgerBook({ timeline, past: this.past, fault });
    this.jetStream = new SimulatedJetStream({
      ...{ prefix: "p", timeline, chance: this.chance, note() {}, book: this.book },
      weather: new Weather({ ...NO_FAULTS, ...faults }, this.chance),
    });
  }

  /** A process that can use the ledger. */
  async process(name: string): Promise<{ life: Life; ledger: SimulatedLedger; said: string[] }> {
    const life = new Life(name, this.timeline, (act) => this.faults.push(`dead, and does: ${act}`));
    const ledger = new SimulatedLedger(this.jetStream, life, new LifeClock(life, this.timeline, 0));
    const said: string[] = [];
    ledger.follow({
      up: () => said.push("up"),
      anew: () => said.push("anew"),
      ownerSaid: (subject) => said.push(subject),
    });
    await this.pass(2000);
    return { life, ledger, said };
  }

  async pass(ms: number): Promise<void> {
    const end = this.timeline.now + ms;
    await settled();
    while (this.timeline.step(end)) await settled();
    this.timeline.passTo(end);
  }

  /** What comes of a question within the time that it may take. */
  async of<T>(asked: Promise<T>): Promise<T> {
    await this.pass(ANSWER_MS + 1000);
    return await asked;
  }
}

/** All that waits for settled promises has run. */
async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

const entry = (owner: string, id: string): string => `p.led.${owner}.CP1.${id}`;

/** Signs, so that the book lets it write. */
async function signs(world: World, ledger: SimulatedLedger, owner: string): Promise<void> {
  strictEqual((await world.of(ledger.owners.put(`p.own.${owner}`, "{}", 0))).kind, "stored");
}

Deno.test("a simulated stream writes only behind what the writer knows, and gives no sequence twice", async () => {
  const world = new World();
  const { ledger } = await world.process("G");
  await signs(world, ledger, "a");
  const { entries } = ledger;
  const subject = entry("a", "1");
  deepStrictEqual(await world.of(entries.put(subject, "one", 0)), { kind: "stored", seq: 1 });
  deepStrictEqual(await world.of(entries.put(subject, "two", 0)), { kind: "conflict", last: 1 });
  deepStrictEqual(await world.of(entries.put(subject, "two", 1)), { kind: "stored", seq: 2 });
  strictEqual(await world.of(entries.remove(1)), "absent");
  deepStrictEqual(await world.of(entries.last(subject)), { subject, seq: 2, text: "two" });
  strictEqual(await world.of(entries.remove(2)), "removed");
  strictEqual(await world.of(entries.last(subject)), null);
  deepStrictEqual(await world.of(entries.put(subject, "three", 2)), { kind: "conflict", last: 0 });
  deepStrictEqual(await world.of(entries.put(subject, "three", 0)), { kind: "stored", seq: 3 });
  deepStrictEqual(world.faults, []);
});

Deno.test("a read gives what matches, in the order written, as far as it was there when it began", async () => {
  for (let seed = 0; seed < runs(20); seed++) {
    const world = new World(seed);
    const { ledger } = await world.process("G");
    await signs(world, ledger, "a");
    await signs(world, ledger, "b");
    const { entries } = ledger;
    for (const id of ["1", "2", "3", "4", "5", "6"]) {
      await world.of(entries.put(entry("a", id), "x", 0));
    }
    await world.of(entries.put(entry("b", "7"), "x", 0));
    await world.of(entries.put(entry("a", "1"), "y", 1));
    const read: Message[] = [];
    let isFirst = true;
    const done = entries.read("p.led.a.>", async (messages) => {
      read.push(...messages);
      if (!isFirst) return;
      isFirst = false;
      // The last of those that were there goes, and another one comes.
      strictEqual(await entries.remove(8), "removed");
      strictEqual((await entries.put(entry("a", "8"), "x", 0)).kind, "stored");
    });
    strictEqual(await world.of(done), true);
    deepStrictEqual(read.map(({ seq }) => seq), [2, 3, 4, 5, 6], `seed ${seed}`);
  }
});

Deno.test("what a dead process wrote stays, and it is told nothing and does nothing", async () => {
  const world = new World();
  const one = await world.process("G0");
  const two = await world.process("G1");
  await signs(world, one.ledger, "a");
  deepStrictEqual(two.said, ["up", "p.own.a"]);
  // It does not hear itself.
  deepStrictEqual(one.said, ["up"]);
  strictEqual((await world.of(one.ledger.entries.put(entry("a", "1"), "x", 0))).kind, "stored");
  let answers = 0;
  void one.ledger.entries.put(entry("a", "2"), "x", 0).then(() => answers++);
  one.life.end();
  one.ledger.died();
  await signs(world, two.ledger, "b");
  await world.pass(10_000);
  strictEqual(answers, 0);
  deepStrictEqual(one.said, ["up"]);
  strictEqual((await world.of(two.ledger.entries.last(entry("a", "1"))))?.text, "x");
  deepStrictEqual(world.faults, []);
});

Deno.test("whoever gets no answer does not know whether it was written, which it may be later", async () => {
  const seen = { written: 0, late: 0, lost: 0 };
  for (let seed = 0; seed < runs(200); seed++) {
    const world = new World(seed, { lostAnswer: 0.3, lostWrite: 0.3, stall: 0.3 });
    const { ledger } = await world.process("G");
    const asked = ledger.owners.put("p.own.a", "{}", 0);
    let put: Put | undefined;
    void asked.then((result) => put = result);
    await world.pass(ANSWER_MS + 1);
    const kept = (): boolean => world.jetStream.owners.messages.length > 0;
    if (put?.kind !== "unknown") {
      strictEqual(put?.kind, "stored", `seed ${seed}`);
      continue;
    }
    const wasKept = kept();
    await world.pass(10_000);
    if (wasKept) seen.written++;
    else if (kept()) seen.late++;
    else seen.lost++;
  }
  ok(seen.written > 0 && seen.late > 0 && seen.lost > 0, JSON.stringify(seen));
});

Deno.test("what was sent by a connection that was given up may arrive behind what came by the next one", async () => {
  let late = 0;
  for (let seed = 0; seed < runs(50); seed++) {
    const world = new World(seed);
    const { ledger, said } = await world.process("G");
    ledger.hangs(5000);
    const first = ledger.owners.put("p.own.a", "old", 0);
    await world.pass(4000);
    strictEqual(ledger.isUp, false);
    strictEqual((await first).kind, "unknown");
    while (!ledger.isUp) await world.pass(10);
    deepStrictEqual(said, ["up", "up"]);
    const again = await world.of(ledger.owners.put("p.own.b", "new", 0));
    strictEqual(again.kind, "stored");
    await world.pass(5000);
    const texts = world.jetStream.owners.messages.map(({ text }) => text);
    if (texts.join() === "new,old") late++;
  }
  ok(late > 0);
});

Deno.test("without a leader nothing is answered, and of what was under way a part is written", async () => {
  const seen = { written: 0, lost: 0 };
  for (let seed = 0; seed < runs(50); seed++) {
    const world = new World(seed);
    const { ledger } = await world.process("G");
    const { owners } = world.jetStream;
    const under = ledger.owners.put("p.own.a", "{}", 0);
    // It has arrived, and is not written yet.
    while (world.timeline.now < 2001) await world.pass(0.1);
    owners.depose(4000);
    const during = ledger.owners.put("p.own.b", "{}", 0);
    const results = [await world.of(under), await world.of(during)];
    strictEqual(results[1]!.kind, "unknown");
    strictEqual(await world.of(ledger.owners.read("p.own.*", async () => {})), true);
    const subjects = owners.messages.map(({ subject }) => subject);
    ok(!subjects.includes("p.own.b"), `seed ${seed}`);
    if (results[0]!.kind === "unknown") seen[subjects.length > 0 ? "written" : "lost"]++;
  }
  ok(seen.written > 0 && seen.lost > 0, JSON.stringify(seen));
});

Deno.test("a full stream takes what is smaller than what it replaces, and nothing else", async () => {
  const world = new World();
  const { ledger } = await world.process("G");
  await signs(world, ledger, "a");
  const { entries } = ledger;
  await world.of(entries.put(entry("a", "1"), "long", 0));
  world.jetStream.entries.isFull = true;
  strictEqual((await world.of(entries.put(entry("a", "2"), "x", 0))).kind, "full");
  strictEqual((await world.of(entries.put(entry("a", "1"), "even longer", 1))).kind, "full");
  strictEqual((await world.of(entries.put(entry("a", "1"), "x", 1))).kind, "stored");
  strictEqual(
    (await world.of(entries.put(entry("a", "1"), "x".repeat(2 ** 21), 2))).kind,
    "too_large",
  );
});

Deno.test("a leader may not have done the last write, for a moment", async () => {
  const seen = { older: 0, newer: 0 };
  for (let seed = 0; seed < runs(50); seed++) {
    const world = new World(seed, { staleRead: 0.7 });
    const { ledger } = await world.process("G");
    await world.of(ledger.owners.put("p.own.a", "one", 0));
    void ledger.owners.put("p.own.a", "two", 1);
    const last = (await world.of(ledger.owners.last("p.own.a")))!;
    seen[last.text === "one" ? "older" : "newer"]++;
    strictEqual((await world.of(ledger.owners.last("p.own.a")))!.text, "two");
  }
  ok(seen.older > 0 && seen.newer > 0, JSON.stringify(seen));
});

Deno.test("the book of the ledger notices who signs for one that is there, and who never signed", async () => {
  const world = new World();
  const one = await world.process("G0");
  const two = await world.process("G1");
  await signs(world, one.ledger, "a");
  await signs(world, two.ledger, "b");
  await world.of(two.ledger.entries.put(entry("a", "1"), "x", 0));
  strictEqual(world.faults.length, 1);
  match(world.faults[0]!, /never signed/);
  await world.of(one.ledger.owners.put("p.own.a", "again", 1));
  await world.of(two.ledger.owners.put("p.own.a", "mine", 3));
  strictEqual(world.faults.length, 2);
  match(world.faults[1]!, /which signed/);
  // And back again, from one that has been silent for long enough.
  await world.pass(GONE_MS);
  await world.of(one.ledger.owners.put("p.own.a", "mine again", 4));
  strictEqual(world.faults.length, 2);
  world.book.accepted("A1");
  strictEqual(world.faults.length, 3);
});

Deno.test("the book of the ledger notices who writes over what the one in charge wrote", async () => {
  const world = new World();
  const one = await world.process("G0");
  const two = await world.process("G1");
  await signs(world, one.ledger, "a");
  await world.of(one.ledger.entries.put(entry("a", "1"), "x", 0));
  await world.pass(GONE_MS);
  await world.of(two.ledger.owners.put("p.own.a", "mine", 1));
  // The heir has not come to it yet.
  await world.of(one.ledger.entries.put(entry("a", "1"), "y", 1));
  await world.of(two.ledger.entries.put(entry("a", "1"), "y", 2));
  deepStrictEqual(world.faults, []);
  await world.of(one.ledger.entries.put(entry("a", "1"), "z", 3));
  strictEqual(world.faults.length, 1);
  match(world.faults[0]!, /writes over .* which is G1's/);
});

Deno.test("filters match as those of NATS do", () => {
  ok(matches("p.led.a.>", "p.led.a.c.1"));
  ok(!matches("p.led.a.>", "p.led.a"));
  ok(!matches("p.led.a.>", "p.led.b.c.1"));
  ok(matches("p.own.*", "p.own.a"));
  ok(!matches("p.own.*", "p.own.a.b"));
});
