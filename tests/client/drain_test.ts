import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { allClosed, drain } from "../../lib/client/drain.ts";
import { systemRandom } from "../../lib/random.ts";
import { FakeClock, microtasks } from "../support/fake_clock.ts";

/** Connections that close as soon as they are told to; the busy ones only at the shutdown itself. */
class FakeConnections {
  readonly clock = new FakeClock();
  /** When each closed, in that order. */
  readonly closedAt: number[] = [];
  readonly #all = new Set<object>();

  constructor(count: number, isBusy = false) {
    for (let i = 0; i < count; i++) {
      const close = (): void => {
        if (this.#all.delete(connection)) this.closedAt.push(this.clock.now());
      };
      const connection = {
        closeWhenIdle: () => isBusy ? undefined : close(),
        closeForShutdown: close,
      };
      this.#all.add(connection);
    }
  }

  get size(): number {
    return this.#all.size;
  }

  all() {
    return [...this.#all] as { closeWhenIdle(): void; closeForShutdown(): void }[];
  }

  /** Drains with 10 s, of which none have passed. */
  async drain(clients: number, limits: { until?: number; giveUp?: number } = {}): Promise<void> {
    const { until = 10_000, giveUp = 11_000 } = limits;
    const drained = drain(this, { until, giveUp, clients }, {
      clock: this.clock,
      random: systemRandom,
    });
    let isDrained = false;
    void drained.then(() => isDrained = true);
    await microtasks();
    while (!isDrained) {
      this.clock.tick(1);
      await microtasks();
    }
  }
}

/** How many of them had closed by a time. */
function closedBy(at: number, ...all: FakeConnections[]): number {
  return all.flatMap(({ closedAt }) => closedAt).filter((time) => time <= at).length;
}

Deno.test("up to 1,000 clients are closed at once", async () => {
  const connections = new FakeConnections(1000);
  await connections.drain(1000);
  ok(connections.closedAt.every((time) => time < 50), String(connections.closedAt.at(-1)));
});

Deno.test("threads that have more than 1,000 clients together spread their closes as one gateway does", async () => {
  const [one, half, other] = [1200, 600, 600].map((count) => new FakeConnections(count));
  for (const connections of [one!, half!, other!]) await connections.drain(1200);
  for (let at = 0; at <= 5000; at += 500) {
    const [alone, together] = [closedBy(at, one!), closedBy(at, half!, other!)];
    ok(Math.abs(alone - together) <= 4, `${alone} and ${together} by ${at} ms`);
    const even = 1200 * at / 5000;
    ok(Math.abs(together - even) <= 40, `${together} of ${even} by ${at} ms`);
  }
});

Deno.test("the spread takes half of what is left of the time", async () => {
  const connections = new FakeConnections(2000);
  await connections.drain(2000, { until: 1000 });
  deepStrictEqual([closedBy(250, connections) <= 1200, closedBy(550, connections)], [true, 2000]);
});

Deno.test("busy clients are closed at the time-out, some in each turn of the event loop", async () => {
  const connections = new FakeConnections(900, true);
  await connections.drain(900, { until: 100 });
  strictEqual(connections.closedAt.length, 900);
  ok(connections.closedAt[0]! >= 100);
  strictEqual(new Set(connections.closedAt).size, 5);
});

Deno.test("no more are closed when the time for it is over", async () => {
  const connections = new FakeConnections(10_000, true);
  await connections.drain(10_000, { until: 0, giveUp: 10 });
  ok(connections.closedAt.length >= 200 && connections.size > 5000, String(connections.size));
  ok(connections.clock.now() <= 12);
});

Deno.test("sockets whose clients do not answer the close frame are cut at the deadline", async () => {
  const clock = new FakeClock();
  const cuts: number[] = [];
  const sockets = { count: 1, cutClosing: () => void cuts.push(clock.now()) };
  const closed = allClosed(sockets, 900, clock);
  for (let i = 0; i < 1000; i++) {
    clock.tick(1);
    await microtasks();
  }
  await closed;
  deepStrictEqual(cuts, [900]);
});
