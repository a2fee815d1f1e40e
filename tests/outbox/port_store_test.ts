import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { FromStore, ToStore } from "../../lib/outbox/thread/message.ts";
import { PortStore, type StorePort } from "../../lib/outbox/thread/port_store.ts";
import { FakeClock, microtasks } from "../support/fake_clock.ts";
import { RecordedLog } from "../support/recorded_log.ts";
import { call, disconnect, outcomeOf } from "./entries.ts";

/** An outbox that answers when a test says so. */
class Setup implements StorePort {
  readonly clock = new FakeClock();
  readonly recorded = new RecordedLog();
  readonly got: FromStore[] = [];
  onmessage: StorePort["onmessage"] = null;
  isClosed = false;
  readonly store: PortStore;

  constructor(bounds = { maxChanges: 1000, maxChars: 100_000 }) {
    this.store = new PortStore(this, { clock: this.clock, log: this.recorded.log, bounds });
  }

  postMessage(message: FromStore): void {
    this.got.push(structuredClone(message));
  }

  close(): void {
    this.isClosed = true;
  }

  say(data: ToStore): void {
    this.onmessage?.(new MessageEvent("message", { data }));
  }

  written(batch: number, isKept = true): void {
    this.say({ kind: "written", batch, isKept });
  }

  accept(messageId: string): { id: string; answers: boolean[] } {
    const [accepted, answers] = [call(messageId), [] as boolean[]];
    this.store.accept(accepted, (isKept) => answers.push(isKept));
    return { id: accepted.id, answers };
  }

  /** What each batch says of how many ids. */
  get sizes(): number[] {
    return this.got.map((each) => each.kind === "write" ? each.changes.length : -1);
  }
}

Deno.test("of a connection that a CALL is for only who its client is goes to the outbox", () => {
  const setup = new Setup();
  const accepted = call("1");
  const connection = { ...accepted.client, framesIn: 7, onClose: () => {} };
  setup.store.accept({ ...accepted, client: connection }, () => {});
  setup.clock.tick(1);
  const [batch] = setup.got;
  deepStrictEqual(
    batch?.kind === "write" && batch.changes.map(({ accept }) => accept?.client),
    [accepted.client],
  );
});

Deno.test("what is told in one turn is one batch, and what is told while one is under way is the next", () => {
  const setup = new Setup();
  const first = [1, 2, 3].map((n) => setup.accept(`${n}`));
  deepStrictEqual(setup.sizes, []);
  setup.clock.tick(1);
  deepStrictEqual(setup.sizes, [3]);
  const second = [4, 5].map((n) => setup.accept(`${n}`));
  setup.store.delivered("x");
  setup.clock.tick(100);
  deepStrictEqual(setup.sizes, [3]);
  deepStrictEqual(first.map(({ answers }) => answers), [[], [], []]);
  setup.written(1);
  deepStrictEqual(first.map(({ answers }) => answers), [[true], [true], [true]]);
  deepStrictEqual(setup.sizes, [3, 3]);
  setup.written(2, false);
  deepStrictEqual(second.map(({ answers }) => answers), [[false], [false]]);
  strictEqual(setup.clock.timers, 0);
});

Deno.test("a CALL that is not acknowledged in 10 s is refused, and taken back when it is kept after all", () => {
  const setup = new Setup();
  const late = setup.accept("1");
  setup.clock.tick(1);
  setup.clock.tick(5000);
  const later = setup.accept("2");
  setup.clock.tick(4998);
  deepStrictEqual([late.answers, later.answers], [[], []]);
  setup.clock.tick(1);
  deepStrictEqual([late.answers, later.answers], [[false], []]);
  strictEqual(setup.recorded.take("the outbox does not answer: CALLs are refused").length, 1);
  // Nobody waits 10 s for the same again.
  deepStrictEqual(setup.accept("3").answers, [false]);
  setup.clock.tick(5001);
  deepStrictEqual(later.answers, [false]);
  deepStrictEqual(setup.recorded.lines, []);
  setup.written(1);
  deepStrictEqual([late.answers, later.answers], [[false], [false]]);
  const [, back] = setup.got;
  deepStrictEqual(
    back?.kind === "write" && back.changes.map(({ id, isDelivered }) => [id, isDelivered]),
    [[later.id, true], [late.id, true]],
  );
  setup.written(2);
  const next = setup.accept("4");
  setup.clock.tick(1);
  setup.written(3);
  deepStrictEqual(next.answers, [true]);
  strictEqual(setup.clock.timers, 0);
});

Deno.test("changes of one id are one change, however many wait", () => {
  const setup = new Setup();
  setup.accept("1");
  setup.clock.tick(1);
  const accepted = call("2");
  for (let i = 0; i < 5000; i++) {
    setup.store.end(outcomeOf(accepted));
    setup.store.park(accepted.id, { at: i, failure: "status 500", tries: i });
    setup.store.park(accepted.id, undefined);
    if (i < 4999) setup.store.delivered(accepted.id);
  }
  setup.written(1);
  const [, batch] = setup.got;
  deepStrictEqual(batch?.kind === "write" && batch.changes.map(({ end, park }) => [end, park]), [
    [outcomeOf(accepted), undefined],
  ]);
  setup.store.abandon();
});

Deno.test("what waits has a bound: then a report is in memory only, and the log says so", () => {
  const setup = new Setup({ maxChanges: 10, maxChars: 1000 });
  setup.accept("1");
  setup.clock.tick(1);
  const reports = Array.from({ length: 12 }, () => disconnect());
  for (const report of reports) setup.store.end(report);
  deepStrictEqual(setup.accept("2").answers, [false]);
  setup.store.delivered("an id of its own");
  setup.store.park("another", undefined);
  strictEqual(
    setup.recorded.take("too much waits to be written: a report is in memory only").length,
    2,
  );
  setup.written(1);
  deepStrictEqual(setup.sizes, [1, 10]);
  setup.store.end(outcomeOf(call("2"), "x".repeat(1001)));
  strictEqual(setup.recorded.lines.length, 1);
  setup.store.abandon();
});

Deno.test("a close hands over what was told, and waits for it, but not for long", async () => {
  const setup = new Setup();
  const answered = setup.accept("1");
  let isDone = false;
  void setup.store.close().then(() => isDone = true);
  deepStrictEqual(setup.sizes, [1]);
  setup.store.delivered("x");
  setup.written(1);
  deepStrictEqual(answered.answers, [true]);
  await microtasks();
  deepStrictEqual([isDone, setup.sizes], [false, [1, 1]]);
  setup.written(2);
  await microtasks();
  deepStrictEqual([isDone, setup.isClosed, setup.sizes], [true, true, [1, 1, -1]]);

  const silent = new Setup();
  const waiting = silent.accept("1");
  void silent.store.close().then(() => isDone = false);
  silent.clock.tick(400);
  await microtasks();
  deepStrictEqual([isDone, waiting.answers, silent.isClosed], [false, [false], true]);
  strictEqual(silent.clock.timers, 0);
});

Deno.test("a thread that dies hands over all that it was told, also while a batch is under way", () => {
  const setup = new Setup();
  setup.accept("1");
  setup.clock.tick(1);
  setup.store.end(disconnect());
  setup.store.leave();
  deepStrictEqual(setup.got.map(({ kind }) => kind), ["write", "write", "bye"]);
});

Deno.test("a fault with one CALL that is kept costs no other one its answer", () => {
  const setup = new Setup();
  setup.store.accept(call("1"), () => {
    throw new Error("a bug");
  });
  const { answers } = setup.accept("2");
  setup.clock.tick(1);
  setup.written(1);
  deepStrictEqual(answers, [true]);
  deepStrictEqual(setup.recorded.take("a kept CALL failed"), [{ error: "Error: a bug" }]);
  strictEqual(setup.clock.timers, 0);
});

Deno.test("a question that the outbox does not answer has an end", async () => {
  const setup = new Setup();
  let found: unknown;
  void setup.store.recover().then((each) => found = each);
  setup.say({ kind: "found", ask: 1, calls: [call("1")], reports: [], isLast: false });
  setup.clock.tick(30_000);
  await microtasks();
  strictEqual((found as { calls: unknown[] }).calls.length, 1);
  // What it still has is not lost, and somebody should know of it.
  deepStrictEqual(
    setup.recorded.take("the outbox does not answer: what it still has waits for the next start"),
    [{ reports: 0, calls: 1 }],
  );
  strictEqual(setup.clock.timers, 0);
});

Deno.test("what changes hands is told in order, and what came before anybody followed is told first", () => {
  const setup = new Setup();
  const [accepted, own] = [call("1"), disconnect()];
  setup.say({ kind: "inherited", calls: [accepted], reports: [own] });
  setup.say({ kind: "lost", ids: ["a", "b"] });
  const told: unknown[] = [];
  setup.store.follow({
    inherited: (found) => void told.push(found),
    lost: (ids) => void told.push(ids),
  });
  deepStrictEqual(told, [{ calls: [accepted], reports: [own] }, ["a", "b"]]);
  setup.say({ kind: "lost", ids: ["c"] });
  setup.say({ kind: "inherited", calls: [], reports: [own] });
  deepStrictEqual(told.slice(2), [["c"], { calls: [], reports: [own] }]);
  deepStrictEqual([setup.got, setup.recorded.lines], [[], []]);
});

Deno.test("a fault of who follows costs nothing that is told later, and no CALL its answer", () => {
  const setup = new Setup();
  const told: (readonly string[])[] = [];
  const follower = {
    inherited() {
      throw new Error("a bug");
    },
    lost: (ids: readonly string[]) => void told.push(ids),
  };
  setup.say({ kind: "inherited", calls: [], reports: [] });
  setup.say({ kind: "lost", ids: ["a"] });
  setup.store.follow(follower);
  setup.say({ kind: "inherited", calls: [], reports: [] });
  setup.say({ kind: "lost", ids: ["b"] });
  const { answers } = setup.accept("1");
  setup.clock.tick(1);
  setup.written(1);
  deepStrictEqual([told, answers], [[["a"], ["b"]], [true]]);
  const fields = { error: "Error: a bug" };
  deepStrictEqual(setup.recorded.take("what changed hands was not taken"), [fields, fields]);
});

Deno.test("what was told of a lost CALL while the outbox said that it is lost is taken back", () => {
  const setup = new Setup();
  const [sent, waiting, untold] = [call("1"), call("2"), call("3")];
  setup.store.end(outcomeOf(sent));
  setup.clock.tick(1);
  setup.store.end(outcomeOf(waiting));
  const lost: string[] = [];
  setup.store.follow({ inherited: () => {}, lost: (ids) => lost.push(...ids) });
  const ids = [sent.id, waiting.id, untold.id];
  setup.say({ kind: "lost", ids });
  setup.written(1);
  const last = setup.got.at(-1);
  deepStrictEqual(
    last?.kind === "write" &&
      last.changes.map(({ id, end, isDelivered }) => [id, end, isDelivered]),
    [waiting.id, sent.id, untold.id].map((id) => [id, undefined, true]),
  );
  deepStrictEqual(lost, ids);
});
