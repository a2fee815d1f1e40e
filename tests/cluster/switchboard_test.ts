import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { v7 } from "uuid";
import type { Client } from "../../lib/cluster/bus.ts";
import type { FromWorker, Port, ToWorker } from "../../lib/cluster/message.ts";
import { type Line, Switchboard } from "../../lib/cluster/switchboard.ts";
import { silentLog } from "../../lib/log/log.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { runs } from "../support/runs.ts";
import { callTo, clientOf, refused } from "./bus_contract.ts";

/** A worker that does what it is told, at once, and records what it gets. */
class FakeWorker implements Port<FromWorker, ToWorker> {
  readonly got: ToWorker[] = [];
  say: (message: FromWorker) => void = () => {};
  onPost: (message: ToWorker) => void = () => {};

  post(message: ToWorker): void {
    this.got.push(message);
    this.onPost(message);
  }

  onMessage(take: (message: FromWorker) => void): void {
    this.say = take;
  }

  /** What it got of this kind. */
  of<K extends ToWorker["kind"]>(kind: K): (ToWorker & { kind: K })[] {
    return this.got.filter((message): message is ToWorker & { kind: K } => message.kind === kind);
  }
}

class Board {
  readonly clock = new FakeClock();
  readonly switchboard = new Switchboard(this.clock, silentLog);
  readonly workers: FakeWorker[];
  readonly lines: Line[];

  constructor(count: number) {
    this.workers = Array.from({ length: count }, () => new FakeWorker());
    this.lines = this.workers.map((worker) => this.switchboard.connect(worker));
  }
}

function detachOf({ clientId, connectionId }: Client): FromWorker {
  return { kind: "detach", clientId, connectionId };
}

Deno.test("any order of attach, detach and death leaves the directory equal to a plain model", () => {
  const WORKERS = 3;
  const IDS = ["a", "b"];
  const step = fc.record({
    kind: fc.constantFrom("attach", "attach", "attach", "detach", "detach", "die", "leave"),
    worker: fc.nat(WORKERS - 1),
    id: fc.constantFrom(...IDS),
    number: fc.nat(5),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { switchboard, workers, lines } = new Board(WORKERS);
      // By worker: its newest word on each ClientId.
      const model: Map<string, Client>[] = workers.map(() => new Map());
      const told: string[][] = workers.map(() => []);
      for (const { kind, worker: i, id, number } of steps) {
        const client = clientOf(id, number);
        const own = model[i]!;
        switch (kind) {
          case "attach": {
            workers[i]!.say({ kind: "attach", client });
            own.set(id, client);
            for (const [j, others] of model.entries()) {
              const theirs = j === i ? undefined : others.get(id);
              if (theirs === undefined) continue;
              const isOlder = theirs.connectionId < client.connectionId;
              const newer = isOlder ? client : theirs;
              told[isOlder ? j : i]!.push(`${id} ${newer.connectionId}`);
            }
            break;
          }
          case "detach":
            workers[i]!.say(detachOf(client));
            if (own.get(id)?.connectionId === client.connectionId) own.delete(id);
            break;
          case "leave":
            workers[i]!.say({ kind: "leave" });
            own.clear();
            break;
          case "die": {
            const { clients } = switchboard.disconnect(lines[i]!);
            deepStrictEqual(sorted(clients), sorted([...own.values()]));
            own.clear();
            // Nothing that it says is heard any more.
            workers[i]!.say({ kind: "attach", client: clientOf(id, 9) });
            workers[i] = new FakeWorker();
            told[i] = [];
            lines[i] = switchboard.connect(workers[i]!);
          }
        }
        for (const name of IDS) {
          const all = model.flatMap((clients) => clients.get(name) ?? [])
            .map(({ connectionId }) => connectionId).toSorted();
          strictEqual(switchboard.find(name)?.connectionId, all.at(-1));
        }
        for (const [j, worker] of workers.entries()) {
          const replaced = worker.of("replaced")
            .map(({ clientId, connectionId }) => `${clientId} ${connectionId}`);
          deepStrictEqual(replaced.toSorted(), told[j]!.toSorted());
        }
      }
    }),
    { numRuns: runs(500) },
  );

  function sorted(clients: readonly Client[]): string[] {
    return clients.map(({ clientId, connectionId }) => `${clientId} ${connectionId}`).toSorted();
  }
});

Deno.test("whoever obeys, all end with the newest connection of each client alone", () => {
  // As a worker does: it closes what is older than the one it is told of.
  class Obedient extends FakeWorker {
    readonly clients = new Map<string, Client>();

    attach(client: Client): void {
      const other = this.clients.get(client.clientId);
      if (other !== undefined && other.connectionId > client.connectionId) return;
      this.clients.set(client.clientId, client);
      if (other !== undefined) this.say(detachOf(other));
      this.say({ kind: "attach", client });
    }

    override onPost = (message: ToWorker): void => {
      if (message.kind === "replaced") this.inbox.push(message);
    };
    readonly inbox: (ToWorker & { kind: "replaced" })[] = [];

    /** Messages may come at any later time. */
    obey(): void {
      for (const { clientId, connectionId } of this.inbox.splice(0)) {
        const client = this.clients.get(clientId);
        if (client === undefined || client.connectionId >= connectionId) continue;
        this.clients.delete(clientId);
        this.say(detachOf(client));
      }
    }
  }
  const step = fc.record({ isAttach: fc.boolean(), worker: fc.nat(2) });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 30 }),
      fc.shuffledSubarray(Array.from({ length: 30 }, (_, i) => i + 1), { minLength: 30 }),
      (steps, numbers) => {
        const workers = [new Obedient(), new Obedient(), new Obedient()];
        const switchboard = new Switchboard(new FakeClock(), silentLog);
        for (const worker of workers) switchboard.connect(worker);
        let newest = 0;
        for (const { isAttach, worker } of steps) {
          if (!isAttach) {
            workers[worker]!.obey();
            continue;
          }
          const number = numbers.shift()!;
          newest = Math.max(newest, number);
          workers[worker]!.attach(clientOf("CP1", number));
        }
        for (const worker of workers) worker.obey();
        const left = workers.flatMap(({ clients }) => [...clients.values()]);
        deepStrictEqual(left, newest === 0 ? [] : [clientOf("CP1", newest)]);
        strictEqual(switchboard.find("CP1")?.connectionId, left[0]?.connectionId);
      },
    ),
    { numRuns: runs(1000) },
  );
});

Deno.test("every question has exactly one answer, whatever dies and in whatever order", () => {
  const step = fc.record({
    kind: fc.constantFrom("ask", "ask", "serve", "serve", "die", "wait", "attach"),
    worker: fc.nat(2),
    ms: fc.constantFrom(1, 29, 30, 5000, 6000),
    isGone: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { clock, switchboard, workers, lines } = new Board(3);
      const asked: { readonly worker: FakeWorker; readonly id: number }[] = [];
      const dead = new Set<FakeWorker>();
      let number = 0;
      for (const { kind, worker: i, ms, isGone } of steps) {
        const worker = workers[i]!;
        switch (kind) {
          case "attach":
            worker.say({ kind: "attach", client: clientOf("CP1", ++number) });
            break;
          case "ask": {
            const id = ++number;
            asked.push({ worker, id });
            worker.say({ kind: "ask", id, request: callTo("CP1"), looksTwice: true });
            break;
          }
          case "serve": {
            const index = worker.got.findIndex(({ kind }) => kind === "serve");
            if (index === -1) break;
            const [message] = worker.got.splice(index, 1);
            const { id } = message as ToWorker & { kind: "serve" };
            const reply = isGone ? refused("gone") : { kind: "accepted" } as const;
            worker.say({ kind: "served", id, reply });
            break;
          }
          case "die":
            switchboard.disconnect(lines[i]!);
            dead.add(worker);
            workers[i] = new FakeWorker();
            lines[i] = switchboard.connect(workers[i]!);
            break;
          case "wait":
            clock.tick(ms);
        }
      }
      // All time limits together.
      clock.tick(60_000);
      for (const { worker, id } of asked) {
        const answers = worker.of("reply").filter((reply) => reply.id === id);
        if (dead.has(worker)) strictEqual(answers.length <= 1, true);
        else strictEqual(answers.length, 1, `the answers to ${id}`);
      }
      strictEqual(clock.timers, 0);
    }),
    { numRuns: runs(500) },
  );
});

Deno.test("a reply that does not come in time is lost, and comes in vain later", async (t) => {
  const rows: [waitSeconds: number | null, ms: number][] = [[null, 5000], [1, 6000], [20, 25_000]];
  for (const [waitSeconds, ms] of rows) {
    await t.step(`wait ${waitSeconds}`, () => {
      const { clock, workers } = new Board(2);
      const [asker, holder] = workers as [FakeWorker, FakeWorker];
      holder.say({ kind: "attach", client: clientOf("CP1") });
      asker.say({ kind: "ask", id: 7, request: callTo("CP1", { waitSeconds }), looksTwice: true });
      clock.tick(ms - 1);
      deepStrictEqual(asker.got, []);
      clock.tick(1);
      const lost: ToWorker = { kind: "reply", id: 7, reply: refused("lost") };
      deepStrictEqual(asker.got, [lost]);
      const { id } = holder.of("serve")[0]!;
      holder.say({ kind: "served", id, reply: { kind: "accepted" } });
      deepStrictEqual(asker.got, [lost]);
    });
  }
});

Deno.test("only the one who was asked can answer", () => {
  const { workers } = new Board(3);
  const [asker, holder, stranger] = workers as [FakeWorker, FakeWorker, FakeWorker];
  holder.say({ kind: "attach", client: clientOf("CP1") });
  asker.say({ kind: "ask", id: 1, request: callTo("CP1"), looksTwice: true });
  const { id } = holder.of("serve")[0]!;
  stranger.say({ kind: "served", id, reply: refused("full") });
  deepStrictEqual(asker.got, []);
  holder.say({ kind: "served", id, reply: { kind: "accepted" } });
  deepStrictEqual(asker.got, [{ kind: "reply", id: 1, reply: { kind: "accepted" } }]);
});

Deno.test("what is owed is what was accepted and has not ended", () => {
  const event = fc.record({ messageId: fc.nat(9), isEnd: fc.boolean() });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), (events) => {
      const { switchboard, workers, lines } = new Board(1);
      const owed = new Map<number, string>();
      for (const [id, { messageId, isEnd }] of events.entries()) {
        if (isEnd) {
          const [first] = owed.keys();
          if (first === undefined) continue;
          workers[0]!.say({ kind: "ended", id: first });
          owed.delete(first);
        } else {
          const call = { action: "Reset", messageId: `${messageId}` };
          workers[0]!.say({
            kind: "accepted",
            id,
            client: clientOf("CP1"),
            call,
            servedId: null,
          });
          owed.set(id, call.messageId);
        }
      }
      const { calls } = switchboard.disconnect(lines[0]!);
      deepStrictEqual(calls.map(({ call }) => call.messageId), [...owed.values()]);
    }),
  );
});

Deno.test("workers make ids of one time: that of the one whose clock is ahead, from its word on", () => {
  const { clock, switchboard, workers } = new Board(2);
  const [a, b] = workers as [FakeWorker, FakeWorker];
  const timesOf = (worker: FakeWorker): number[] => worker.of("time").map(({ time }) => time);
  const now = clock.wallNow();
  a.say({ kind: "time", time: now });
  b.say({ kind: "time", time: now + 3 });
  deepStrictEqual([timesOf(a), timesOf(b)], [[], []]);
  // Its clock leapt: the id of its next client shows it, and the others hear of it.
  const id = v7({ msecs: now + 30_000 });
  a.say({ kind: "attach", client: { ...clientOf("CP1"), connectionId: id } });
  deepStrictEqual([timesOf(a), timesOf(b)], [[], [now + 30_000]]);
  // One that begins anew, by a clock that was set right in the meantime.
  clock.tick(1000);
  const late = new FakeWorker();
  switchboard.connect(late);
  late.say({ kind: "time", time: now + 1000 });
  deepStrictEqual(timesOf(late), [now + 31_000]);
});
