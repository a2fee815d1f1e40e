import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { ClientRate } from "../../lib/client/rate.ts";
import type { Identity } from "../../lib/identity.ts";
import { type Log, silentLog } from "../../lib/log/log.ts";
import { MetricSet } from "../../lib/metrics/metrics.ts";
import { FakeClock, microtasks } from "../support/fake_clock.ts";
import { runs } from "../support/runs.ts";

function client(clientId: string, connectionId = "1"): Identity {
  return { clientId, connectionId, protocol: null, remoteAddress: "", connectedAt: 0 };
}

class Bench {
  readonly clock = new FakeClock();
  readonly warnings: string[] = [];
  readonly limited = new MetricSet([]).metrics.rateLimited;
  readonly rate: ClientRate;
  /** Who went on, and when. */
  readonly gone: [clientId: string, at: number][] = [];

  constructor(perSecond: number, burst: number) {
    const log: Log = {
      ...silentLog,
      warn: (event, fields) => this.warnings.push(`${event} ${fields?.["clientId"]}`),
    };
    this.rate = new ClientRate({ perSecond, burst }, {
      clock: this.clock,
      log,
      limited: this.limited,
    });
  }

  take(clientId: string, connectionId?: string): void {
    const turn = this.rate.take(client(clientId, connectionId));
    const go = (): void => void this.gone.push([clientId, this.clock.now()]);
    if (turn === undefined) go();
    else void turn.then(go);
  }

  /** Moves time on in steps, so that each wait ends when it is due. */
  async pass(ms: number, step = 10): Promise<void> {
    for (let at = 0; at < ms; at += step) {
      this.clock.tick(step);
      await microtasks();
    }
  }
}

Deno.test("a burst goes at once, the rest at the rate", async () => {
  const bench = new Bench(2, 3);
  for (let i = 0; i < 6; i++) bench.take("A");
  await bench.pass(2000);
  deepStrictEqual(bench.gone.map(([, at]) => at), [0, 0, 0, 500, 1000, 1500]);
  strictEqual(bench.limited.sum, 3);
});

Deno.test("clients do not wait for each other", () => {
  const bench = new Bench(1, 1);
  for (const id of ["A", "B", "C"]) bench.take(id);
  deepStrictEqual(bench.gone.map(([id]) => id), ["A", "B", "C"]);
  bench.rate.stop();
});

Deno.test("a client that connects anew finds its bucket as it left it", async () => {
  const bench = new Bench(1, 2);
  bench.take("A", "1");
  bench.take("A", "1");
  bench.take("A", "2");
  strictEqual(bench.gone.length, 2);
  await bench.pass(1000);
  strictEqual(bench.gone.length, 3);
  bench.rate.stop();
});

Deno.test("a bucket that is full again is gone, and with the last one the timer", async () => {
  const bench = new Bench(10, 100);
  deepStrictEqual([bench.rate.buckets, bench.clock.timers], [0, 0]);
  bench.take("A");
  for (let i = 0; i < 25; i++) bench.take("B");
  deepStrictEqual([bench.rate.buckets, bench.clock.timers], [2, 1]);
  await bench.pass(1000);
  deepStrictEqual([bench.rate.buckets, bench.clock.timers], [1, 1]);
  await bench.pass(2000);
  deepStrictEqual([bench.rate.buckets, bench.clock.timers], [0, 0]);
});

Deno.test("the log is told once of a client that has to wait, until its bucket was full", async () => {
  const bench = new Bench(10, 1);
  for (let i = 0; i < 5; i++) bench.take("A");
  await bench.pass(3000);
  deepStrictEqual(bench.warnings, ["client slowed down by --client-rate A"]);
  for (let i = 0; i < 2; i++) bench.take("A");
  strictEqual(bench.warnings.length, 2);
  bench.rate.stop();
});

Deno.test("when it is stopped nobody waits any more, and no timer is left", async () => {
  const bench = new Bench(1, 1);
  for (let i = 0; i < 3; i++) bench.take("A");
  bench.rate.stop();
  bench.take("A");
  await microtasks();
  deepStrictEqual([bench.gone.length, bench.clock.timers, bench.rate.buckets], [4, 0, 0]);
});

Deno.test("no client ever gets more than a burst and its rate", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.nat(400), { maxLength: 40 }),
      async (perSecond, burst, pauses) => {
        const bench = new Bench(perSecond, burst);
        for (const ms of pauses) {
          bench.take("A");
          await bench.pass(ms - ms % 10);
        }
        await bench.pass(1000 * (pauses.length / perSecond + 2), 100);
        strictEqual(bench.gone.length, pauses.length, "each goes on in the end");
        const times = bench.gone.map(([, at]) => at);
        for (const [i, from] of times.entries()) {
          for (let j = i; j < times.length; j++) {
            const most = burst + (times[j]! - from + 1) * perSecond / 1000;
            strictEqual(j - i + 1 <= most + 1, true, `${j - i + 1} in ${times[j]! - from} ms`);
          }
        }
      },
    ),
    { numRuns: runs(100) },
  );
});
