import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { MetricSet } from "../../lib/metrics/metrics.ts";
import { History, type HistoryPoint } from "../../lib/status/history.ts";
import { HistoryWatch } from "../../lib/status/history_watch.ts";
import { FakeClock } from "../support/fake_clock.ts";

const POINT: HistoryPoint = {
  ...{ at: 0, connections: 1, inRate: 2, outRate: 3, callP50: null, callP95: 5, callP99: 6 },
  ...{ failedRate: 7, failedShare: null, invalidRate: 8, backendRate: 9, backendFailedRate: 10 },
  ...{ backendP50: null, backendP95: 12, waiting: 13, outstanding: 14, residentBytes: 15 },
  ...{ lagMs: 16.25, connectsRate: 17, closesRate: 18, refusedRate: 19 },
};

Deno.test("points come back as they were, in another thread too, 300 at most", () => {
  const writer = new History();
  const reader = new History(writer.buffer);
  deepStrictEqual([reader.points(), reader.last], [[], undefined]);
  writer.add(POINT);
  deepStrictEqual([reader.points(), reader.last], [[POINT], POINT]);
  for (let at = 1; at < 1000; at++) writer.add({ ...POINT, at });
  deepStrictEqual(
    reader.points().map(({ at }) => at),
    Array.from({ length: 300 }, (_, i) => 700 + i),
  );
  deepStrictEqual(reader.points(997).map(({ at }) => at), [998, 999]);
  strictEqual(reader.last?.at, 999);
});

/** A history that a fake clock's seconds are written into. */
class Watched implements Disposable {
  readonly clock = new FakeClock();
  readonly history = new History();
  readonly metricSet = new MetricSet(["ocpp1.6"]);
  readonly #watch = new HistoryWatch({
    history: this.history,
    metrics: this.metricSet.metrics,
    readResident: () => 77,
    clock: this.clock,
  });

  constructor() {
    this.#watch.start();
  }

  [Symbol.dispose](): void {
    this.#watch.stop();
    strictEqual(this.clock.timers, 0);
  }
}

Deno.test("each second is a point of what went on in it", () => {
  using watched = new Watched();
  const { clock, history, metricSet: { metrics } } = watched;
  clock.tick(999);
  strictEqual(history.last, undefined);
  metrics.connections["ocpp1.6"]!.add(2);
  metrics.opened.add(3);
  metrics.closed.lost.add(1);
  metrics.refused.rate.add(4);
  metrics.frames.in.call.add(10);
  metrics.frames.out.result.add(6);
  for (let i = 0; i < 6; i++) metrics.callSeconds.observe(0.0099);
  metrics.callsFailed.backend.add(1);
  metrics.callsFailed.away.add(1);
  metrics.faults.unmatched!.add(5);
  metrics.backendRequests.call["2xx"].add(6);
  metrics.backendRequests.call.refused.add(1);
  metrics.backendRequests.call.timeout.add(1);
  for (let i = 0; i < 8; i++) metrics.backendSeconds.observe(0.4);
  metrics.waiting.add(9);
  metrics.eventLoopLag.own = 0.012;
  clock.tick(1);
  const { callP50, callP95, callP99, backendP50, backendP95, ...rest } = history.last!;
  deepStrictEqual(rest, {
    at: clock.wallNow(),
    ...{ connections: 2, inRate: 10, outRate: 6, failedRate: 2, failedShare: 0.25 },
    ...{ invalidRate: 5, backendRate: 8, backendFailedRate: 1, waiting: 9, outstanding: 0 },
    ...{ residentBytes: 77, lagMs: 12, connectsRate: 3, closesRate: 1, refusedRate: 4 },
  });
  for (const ms of [callP50, callP95, callP99]) ok(ms! > 6 && ms! <= 10, String(ms));
  for (const ms of [backendP50, backendP95]) ok(ms! > 350 && ms! <= 500, String(ms));
});

Deno.test("rates are of a second, percentiles of ten, and nothing is null", () => {
  using watched = new Watched();
  const { clock, history, metricSet: { metrics } } = watched;
  metrics.callSeconds.observe(1.5);
  metrics.frames.in.call.add(1);
  clock.tick(11_000);
  deepStrictEqual(history.points().map(({ inRate }) => inRate), [1, ...Array(10).fill(0)]);
  deepStrictEqual(
    history.points().map(({ callP50 }) => callP50 !== null),
    [...Array(10).fill(true), false],
  );
  deepStrictEqual(history.points().map(({ failedShare }) => failedShare), [
    0,
    ...Array(10).fill(null),
  ]);
});
