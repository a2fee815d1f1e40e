import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Departures } from "../../lib/client/departures.ts";
import { MetricSet } from "../../lib/metrics/metrics.ts";
import { History } from "../../lib/status/history.ts";
import { SharedMemory } from "../../lib/worker/shared_memory.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("workers see what the main thread writes of all, and who went with one of them", () => {
  const clock = new FakeClock();
  const memory = new SharedMemory(["ocpp1.6"], 2, { clock });
  const { metrics: cells, departures, history } = memory.buffers;
  const [first, second] = [1, 2].map((row) => new MetricSet(["ocpp1.6"], cells, row).metrics);
  memory.start();
  first!.connections["ocpp1.6"]!.add(3);
  second!.connections["ocpp1.6"]!.add(4);
  second!.frames.in.call.add(5);
  clock.tick(1000);
  const { connections, inRate } = new History(history).last!;
  deepStrictEqual([connections, inRate], [7, 5]);

  const client = { connectionId: "c", protocol: null, remoteAddress: "::1", connectedAt: 0 };
  memory.workerDied(1, [{ clientId: "CP1", ...client }, { clientId: "CP2", ...client }]);
  const { departures: gone } = new Departures(clock, departures, 2).since([]);
  deepStrictEqual(
    gone.map(({ clientId, cause, code }) => [clientId, cause, code]),
    [["CP1", "worker_died", 1006], ["CP2", "worker_died", 1006]],
  );
  clock.tick(1000);
  const after = new History(history).last!;
  deepStrictEqual([after.connections, after.closesRate], [4, 2]);
  memory.stop();
  strictEqual(clock.timers, 0);
});
