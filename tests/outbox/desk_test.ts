import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Desk } from "../../lib/outbox/sqlite/desk.ts";
import type { DeskPort } from "../../lib/outbox/thread/places.ts";
import { Database } from "../../lib/outbox/sqlite/database.ts";
import type { FoundPart, Told, ToStore } from "../../lib/outbox/thread/message.ts";
import { type Change, Unwritten } from "../../lib/outbox/unwritten.ts";
import { FakeClock, microtasks } from "../support/fake_clock.ts";
import { TempDir } from "../support/program.ts";
import { call, disconnect, outcomeOf } from "./entries.ts";

/** A desk over a real file, whose writes fail when a test says so. */
class Setup implements Disposable {
  readonly clock = new FakeClock();
  readonly told: Told[] = [];
  readonly heard: ToStore[] = [];
  /** The number of changes in each transaction. */
  readonly groups: number[] = [];
  readonly #dir = new TempDir();
  readonly folder = this.#dir.path("outbox");
  readonly database = Database.open(this.folder);
  readonly port: DeskPort = {
    onmessage: null,
    postMessage: (message) => void this.heard.push(message),
    close: () => {},
  };
  readonly desk: Desk;
  /** Writes that succeed from now on; then all fail. */
  writesLeft = Infinity;

  constructor() {
    const failing = (run: () => void): void => {
      if (this.writesLeft-- <= 0) throw new Error("database or disk is full");
      run();
    };
    const { database } = this;
    this.desk = new Desk({
      database: {
        lastOwner: database.lastOwner,
        write: (changes, base) => {
          failing(() => database.write(changes, base));
          this.groups.push([...changes].length);
        },
        probe: () => failing(() => database.probe()),
        checkpoint: () => database.checkpoint(),
        checkpointAll: () => database.checkpointAll(),
        has: (id) => database.has(id),
        read: (owners) => database.read(owners),
        close: () => {},
      },
      clock: this.clock,
      tell: (told) => this.told.push(told),
    });
    this.desk.attach(1, this.port);
  }

  /** Another thread's port. */
  attach(owner: number): DeskPort {
    const port: DeskPort = { ...this.port };
    this.desk.attach(owner, port);
    return port;
  }

  say(tell: (unwritten: Unwritten) => void, batch: number, port = this.port): void {
    const unwritten = new Unwritten();
    tell(unwritten);
    const changes: Change[] = unwritten.take();
    port.onmessage?.(new MessageEvent("message", { data: { kind: "write", batch, changes } }));
  }

  ids(): string[] {
    const { database } = this;
    return [...database.read({ from: 0, to: 1e9 })].map((entry) =>
      "call" in entry ? entry.call.messageId : entry.report.report.body
    );
  }

  get answers(): boolean[] {
    return this.heard.flatMap((each) => each.kind === "written" ? [each.isKept] : []);
  }

  [Symbol.dispose](): void {
    this.desk.close();
    this.database.close();
    this.#dir[Symbol.dispose]();
  }
}

Deno.test("what comes in one turn is one transaction, and all are told behind it", () => {
  using setup = new Setup();
  for (let i = 0; i < 10; i++) setup.say((unwritten) => unwritten.accept(call(`${i}`)), i);
  deepStrictEqual([setup.groups, setup.answers], [[], []]);
  setup.clock.tick(1);
  deepStrictEqual([setup.groups, setup.answers], [[10], Array(10).fill(true)]);
});

Deno.test("of a batch that could not be written as a whole no CALL is found, and the rest is written later, in order", () => {
  using setup = new Setup();
  const own = Array.from({ length: 2500 }, (_, i) => ({
    ...disconnect(),
    report: { kind: "disconnect", body: `${i}` } as const,
  }));
  setup.writesLeft = 1;
  setup.say((unwritten) => {
    unwritten.accept(call("in the first group"));
    for (const report of own) unwritten.end(report);
    unwritten.accept(call("in the second group"));
  }, 1);
  setup.clock.tick(1);
  deepStrictEqual([setup.groups, setup.answers], [[2000], [false]]);
  deepStrictEqual(setup.told.map(({ kind }) => kind), ["failing"]);
  setup.say((unwritten) => unwritten.accept(call("while it fails")), 2);
  setup.clock.tick(1);
  deepStrictEqual(setup.answers, [false, false]);
  // What comes and goes meanwhile leaves nothing to be written.
  const gone = Array.from({ length: 50 }, () => disconnect());
  setup.say((unwritten) => gone.forEach((report) => unwritten.end(report)), 3);
  setup.say((unwritten) => gone.forEach(({ id }) => unwritten.delivered(id)), 4);
  setup.clock.tick(5000);
  deepStrictEqual(setup.told.length, 1, "told once");
  setup.writesLeft = Infinity;
  setup.clock.tick(1000);
  deepStrictEqual(setup.told.map(({ kind }) => kind), ["failing", "writing"]);
  deepStrictEqual(setup.ids(), own.map(({ report }) => report.body));
  // 1,999 of the reports stood in the first group; one CALL of it is struck.
  deepStrictEqual(setup.groups, [2000, 502]);
  setup.say((unwritten) => unwritten.accept(call("after it")), 5);
  setup.clock.tick(1);
  deepStrictEqual(setup.answers, [false, false, false, false, true]);
  strictEqual(setup.ids().at(-1), "after it");
});

Deno.test("the log of changes stays small under a load without a pause", () => {
  using setup = new Setup();
  let largest = 0;
  const body = `"${"x".repeat(5000)}"`;
  for (let i = 0; i < 500; i++) {
    setup.say((unwritten) => {
      for (let n = 0; n < 10; n++) {
        const accepted = call(`${i}/${n}`);
        unwritten.accept(accepted);
        if (n % 2 === 0) unwritten.end(outcomeOf(accepted, body));
        else unwritten.delivered(accepted.id);
      }
    }, i);
    setup.clock.tick(1);
    largest = Math.max(largest, Deno.statSync(`${setup.folder}/outbox.sqlite-wal`).size);
  }
  // 1,000 pages of 4 KiB and what comes with the group that reaches them.
  ok(largest < 8 * 1024 ** 2, `${largest}`);
  ok(Deno.statSync(`${setup.folder}/outbox.sqlite`).size > 2 * largest);
});

Deno.test("what was written in an earlier life, and by others, is not what a dead owner left", async () => {
  using setup = new Setup();
  const parts: FoundPart[] = [];
  setup.say((unwritten) => unwritten.accept(call("of 1")), 1);
  const other: DeskPort = { onmessage: null, postMessage: () => {}, close: () => {} };
  setup.desk.attach(2, other);
  const unwritten = new Unwritten();
  unwritten.accept(call("of 2"));
  other.onmessage?.(
    new MessageEvent("message", { data: { kind: "write", batch: 1, changes: unwritten.take() } }),
  );
  other.onmessage?.(new MessageEvent("message", { data: { kind: "bye" } }));
  await setup.desk.recover(2, 1, 7, (part) => parts.push(part));
  deepStrictEqual(parts.flatMap(({ calls }) => calls.map(({ messageId }) => messageId)), ["of 2"]);
  deepStrictEqual(parts.map(({ ask, isLast }) => [ask, isLast]), [[7, false], [7, true]]);
});

Deno.test("what a dead thread had sent is taken before what it left is handed over", async () => {
  using setup = new Setup();
  const parts: FoundPart[] = [];
  const recovered = setup.desk.recover(1, 2, 1, (part) => parts.push(part));
  // They come one in a turn, for so many turns; then nothing comes.
  for (let i = 0; i < 20; i++) {
    setup.clock.tick(5);
    await microtasks();
    setup.say((unwritten) => unwritten.accept(call(`${i}`)), i);
  }
  deepStrictEqual(parts, []);
  await setup.clock.runAll();
  await recovered;
  strictEqual(parts.flatMap(({ calls }) => calls).length, 20);
  strictEqual(setup.port.onmessage, null);
});

Deno.test("a CALL that its client took along to another thread is that one's, whoever speaks first", async (t) => {
  for (const isWritten of [false, true]) {
    await t.step(isWritten ? "it was written in between" : "in one turn", () => {
      using setup = new Setup();
      const [a, b] = [setup.attach(2), setup.attach(3)];
      const taken = call("taken along");
      setup.say((unwritten) => unwritten.accept(taken), 1, a);
      setup.clock.tick(1);
      setup.say((unwritten) => unwritten.accept(taken), 1, b);
      if (isWritten) setup.clock.tick(1);
      // The client was not there any more when the CALL was kept.
      setup.say((unwritten) => unwritten.delivered(taken.id), 2, a);
      setup.clock.tick(1);
      deepStrictEqual(setup.ids(), ["taken along"]);
      setup.say((unwritten) => unwritten.delivered(taken.id), 2, b);
      setup.clock.tick(1);
      deepStrictEqual(setup.ids(), []);
    });
  }
});

Deno.test("the main thread strikes what others left", async () => {
  using setup = new Setup();
  const worker = setup.attach(2);
  const left = [call("1"), call("2")];
  setup.say((unwritten) => left.forEach((each) => unwritten.accept(each)), 1, worker);
  setup.clock.tick(1);
  const handed = setup.desk.recover(2, 1, 1, () => {});
  for (let i = 0; i < 20; i++) {
    setup.clock.tick(1);
    await microtasks();
  }
  await handed;
  setup.say((unwritten) => left.forEach(({ id }) => unwritten.delivered(id)), 1);
  setup.clock.tick(1);
  deepStrictEqual(setup.ids(), []);
});
