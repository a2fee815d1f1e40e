import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { Clients } from "../../lib/cluster/clients.ts";
import type { InstanceState } from "../../lib/cluster/survey.ts";
import { silentLog } from "../../lib/log/log.ts";
import { InstancesLook } from "../../lib/status/instances.ts";
import { FakeClock, microtasks } from "../support/fake_clock.ts";

function stateOf(instance: string, clients = 1): InstanceState {
  return {
    ...{ instance, host: "h", version: "1", startedAt: 0, clients, inRate: 0, outRate: 0 },
    ...{ failedRate: 0, waiting: 0, residentBytes: 0, lagMs: 0 },
  };
}

/** Answers when it is told to. */
class Surveyed {
  asked = 0;
  answer: (answers: (InstanceState | null)[], isComplete: boolean) => void = () => {};
  readonly survey = (() => {
    this.asked++;
    return new Promise((resolve) => {
      this.answer = (answers, isComplete) => resolve({ answers, isComplete });
    });
  }) as unknown as Clients["survey"];
}

Deno.test("each process is listed once, its threads and the main thread left out", async () => {
  const clients = new Surveyed();
  const look = new InstancesLook({
    clients,
    instance: "b",
    clock: new FakeClock(),
    log: silentLog,
  });
  strictEqual(look.latest, undefined);
  look.look();
  clients.answer([stateOf("b"), null, stateOf("a", 5), stateOf("b", 2)], false);
  await microtasks();
  deepStrictEqual(look.latest, {
    complete: false,
    list: [{ ...stateOf("a", 5), self: false }, { ...stateOf("b"), self: true }],
  });
});

Deno.test("all who look ask together, every 3 s, one question at a time", async () => {
  const clock = new FakeClock();
  const clients = new Surveyed();
  const look = new InstancesLook({ clients, instance: "a", clock, log: silentLog });
  for (let i = 0; i < 5; i++) look.look();
  strictEqual(clients.asked, 1);
  clock.tick(10_000);
  look.look();
  strictEqual(clients.asked, 1, "the first one has no answer yet");
  clients.answer([stateOf("a")], true);
  await microtasks();
  look.look();
  look.look();
  strictEqual(clients.asked, 2);
  clients.answer([stateOf("a")], true);
  await microtasks();
  clock.tick(2999);
  look.look();
  strictEqual(clients.asked, 2);
  clock.tick(1);
  look.look();
  strictEqual(clients.asked, 3);
  clients.answer([], true);
  await microtasks();
});

Deno.test("a question that fails is logged, and asked again", async () => {
  const clock = new FakeClock();
  const logged: string[] = [];
  const survey = () => Promise.reject(new Error("broken"));
  const log = { ...silentLog, error: (event: string) => void logged.push(event) };
  const look = new InstancesLook({ clients: { survey }, instance: "a", clock, log });
  for (let i = 1; i <= 2; i++) {
    look.look();
    await microtasks();
    strictEqual(logged.length, i);
    clock.tick(3000);
  }
  strictEqual(look.latest, undefined);
});
