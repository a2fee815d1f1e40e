import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Thread } from "../../lib/worker/thread.ts";
import { FakeWorker } from "../support/fake_worker.ts";

const DEATH = { message: "a bug", stack: "Error: a bug\n  at here" };
const FAILED = { ok: false, fault: { name: "WorkerDied", message: "a bug" } } as const;

Deno.test("a thread that says so has died, behind all that it said before", async () => {
  const worker = new FakeWorker();
  const thread = new Thread(worker);
  const taken: number[] = [];
  thread.onMessage((message) => taken.push((message as { id: number }).id));
  for (const id of [1, 2]) worker.say({ kind: "bus", message: { kind: "ended", id } });
  worker.say({ kind: "died", death: DEATH });
  deepStrictEqual(await thread.died, DEATH);
  deepStrictEqual(taken, [1, 2]);
  strictEqual(worker.wasTerminated, true);
});

Deno.test("a thread that the runtime reports has died, and the program goes on", async () => {
  const worker = new FakeWorker();
  const thread = new Thread(worker);
  ok(worker.die("no such module"));
  await thread.loaded;
  deepStrictEqual(await thread.died, { message: "no such module", stack: "" });
  // Told twice, it has died once.
  worker.say({ kind: "died", death: DEATH });
  strictEqual((await thread.died).message, "no such module");
});

Deno.test("a thread's death ends its orders, and those that come later", async () => {
  const worker = new FakeWorker();
  const thread = new Thread(worker);
  worker.onOrder = () => undefined;
  const ends: string[] = [];
  const order = thread.order({ kind: "shutdown", elapsedMs: 0, clients: 0 });
  void order.then(() => ends.push("order"));
  void thread.died.then(() => ends.push("death"));
  worker.say({ kind: "died", death: DEATH });
  deepStrictEqual(await order, FAILED);
  deepStrictEqual(await thread.order({ kind: "shutdown", elapsedMs: 0, clients: 0 }), FAILED);
  deepStrictEqual(ends, ["death", "order"]);
  thread.post({ kind: "replaced", clientId: "CP1", connectionId: "1" });
  strictEqual(worker.got.length, 1);
});

Deno.test("a thread's orders end each with its own answer", async () => {
  const worker = new FakeWorker();
  const thread = new Thread(worker);
  worker.onOrder = () => undefined;
  const first = thread.order({ kind: "write_profiles" });
  const second = thread.order({ kind: "shutdown", elapsedMs: 0, clients: 0 });
  const [one, two] = worker.got.map((message) => message.kind === "order" ? message.id : 0);
  const fault = { name: "InvalidData", message: "no" };
  worker.say({ kind: "done", id: two!, done: { ok: false, fault } });
  worker.say({ kind: "done", id: one!, done: { ok: true } });
  deepStrictEqual([await first, await second], [{ ok: true }, { ok: false, fault }]);
});
