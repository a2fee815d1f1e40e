import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { BackendReply } from "../../lib/forwarder/forwarder.ts";
import type { Layer } from "../../lib/forwarder/layer.ts";
import { Slots } from "../../lib/forwarder/slots.ts";
import { Turns } from "../../lib/forwarder/turn.ts";
import { Cell } from "../../lib/metrics/tally.ts";
import { request } from "../support/backend_reply.ts";
import { FakeClock, microtasks } from "../support/fake_clock.ts";
import { type Answering, asked, innermost } from "../support/layers.ts";

const DONE: BackendReply = { ok: true, status: 200, body: "" };
/** More than are begun in one turn. */
const MANY = 100;

/** Notes what is begun, and answers at once. */
class Recorder implements Answering {
  begun: string[] = [];
  isClosed = false;

  forward({ path }: { readonly path: string }): Promise<BackendReply> {
    this.begun.push(path);
    return Promise.resolve(DONE);
  }

  close(): void {
    this.isClosed = true;
  }
}

Deno.test("requests beyond what one turn takes are begun in the next ones, in order", async () => {
  const clock = new FakeClock();
  const recorder = new Recorder();
  const paced = asked(new Turns(innermost(recorder), clock, () => {}));
  const names = Array.from({ length: MANY }, (_, i) => `${i}`);
  const replies = names.map((path) => paced.forward({ ...request("call"), path }));
  await microtasks();
  const turns: number[] = [];
  for (let before = 0; recorder.begun.length > before;) {
    turns.push(recorder.begun.length - before);
    before = recorder.begun.length;
    clock.tick(1);
    await microtasks();
  }
  deepStrictEqual(turns, [24, 24, 24, 24, 4]);
  deepStrictEqual(recorder.begun, names);
  deepStrictEqual(await Promise.all(replies), Array(MANY).fill(DONE));
});

Deno.test("what comes later does not overtake what is held back", async () => {
  const clock = new FakeClock();
  const recorder = new Recorder();
  const paced = asked(new Turns(innermost(recorder), clock, () => {}));
  const all: Promise<BackendReply>[] = [];
  for (let i = 0; i < 70; i++) all.push(paced.forward({ ...request("call"), path: `${i}` }));
  clock.tick(1);
  // The new turn has room, but those held back have it first.
  for (let i = 70; i < 80; i++) all.push(paced.forward({ ...request("call"), path: `${i}` }));
  for (let turn = 0; turn < 3; turn++) {
    await microtasks();
    clock.tick(1);
  }
  await Promise.all(all);
  deepStrictEqual(recorder.begun, Array.from({ length: 80 }, (_, i) => `${i}`));
});

Deno.test("CALLs that are held go before hooks that came earlier, but for one hook in each turn", async () => {
  const clock = new FakeClock();
  const recorder = new Recorder();
  const paced = asked(new Turns(innermost(recorder), clock, () => {}));
  const all: Promise<BackendReply>[] = [];
  const ask = (kind: "call" | "connect" | "disconnect", count: number): void => {
    for (let i = 0; i < count; i++) all.push(paced.forward({ ...request(kind), path: kind }));
  };
  ask("call", 24);
  ask("connect", 20);
  ask("disconnect", 20);
  ask("call", 40);
  const turns: Record<string, number>[] = [];
  while (recorder.begun.length > 0) {
    turns.push(Object.fromEntries(
      Object.entries(Object.groupBy(recorder.begun, (kind) => kind))
        .map(([kind, all = []]) => [kind, all.length]),
    ));
    recorder.begun = [];
    clock.tick(1);
    await microtasks();
  }
  deepStrictEqual(turns, [
    { call: 24 },
    { call: 23, connect: 1 },
    { call: 17, connect: 7 },
    { connect: 12, disconnect: 12 },
    { disconnect: 8 },
  ]);
  await Promise.all(all);
});

Deno.test("few requests set no timer, and closing goes through", async () => {
  const clock = new FakeClock();
  const recorder = new Recorder();
  const paced = asked(new Turns(innermost(recorder), clock, () => {}));
  for (let i = 0; i < 10; i++) await paced.forward(request("call"));
  strictEqual(clock.timers, 0);
  paced.close();
  strictEqual(recorder.isClosed, true);
});

Deno.test("a layer inside that throws costs its requests alone, those that are held too", async () => {
  const clock = new FakeClock();
  const bugs: unknown[] = [];
  const broken: Layer = {
    forward() {
      throw new Error("a bug");
    },
    repliesTo() {},
    close() {},
  };
  const turns = new Turns(broken, clock, (error) => bugs.push(error));
  const [taken, awaited] = [new Cell(), new Cell()];
  const forwarder = asked(new Slots(turns, { max: 64, maxWaitMs: 1000, clock, taken, awaited }));
  const replies = Array.from({ length: 40 }, () => forwarder.forward(request("call")));
  await clock.runAll();
  for (const reply of await Promise.all(replies)) {
    deepStrictEqual(reply, { ok: false, fault: "broken" });
  }
  deepStrictEqual([bugs.length, taken.own, awaited.own], [40, 0, 0]);
});
