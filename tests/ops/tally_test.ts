import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { countersText } from "../../lib/ops/counters.ts";
import { Gauge, Tally, tallyBuffer } from "../../lib/ops/tally.ts";

Deno.test("a gauge that is alone is its own sum", () => {
  const gauge = new Gauge();
  gauge.add(3);
  gauge.add(-1);
  deepStrictEqual([gauge.own, gauge.sum], [2, 2]);
});

Deno.test("each thread counts for itself, and sees the sum of all", () => {
  const buffer = tallyBuffer(3);
  const threads = [0, 1, 2].map((row) => new Tally(buffer, row));
  for (const [i, { counters, gauge }] of threads.entries()) {
    counters.connectionsOpened += i + 1;
    counters.faults++;
    gauge.call(threads[i], "sockets").add(10 * (i + 1));
    gauge.call(threads[i], "waitingChars").add(2 ** 40);
  }
  for (const [i, tally] of threads.entries()) {
    strictEqual(tally.counters.connectionsOpened, i + 1);
    strictEqual(tally.totals.connectionsOpened, 6);
    strictEqual(tally.totals.faults, 3);
    strictEqual(tally.totals.requestsFailed, 0);
    deepStrictEqual([tally.gauge("sockets").own, tally.gauge("sockets").sum], [10 * (i + 1), 60]);
    strictEqual(tally.gauge("waiting").sum, 0);
    strictEqual(tally.gauge("waitingChars").sum, 3 * 2 ** 40);
  }
});

Deno.test("what a thread that ended held is cleared, what it counted stays", () => {
  const buffer = tallyBuffer(2);
  const [first, second] = [new Tally(buffer, 0), new Tally(buffer, 1)];
  second.gauge("sockets").add(5);
  second.counters.faults += 7;
  first.gauge("sockets").add(1);
  first.clearGauges(1);
  strictEqual(first.gauge("sockets").sum, 1);
  strictEqual(first.totals.faults, 7);
});

Deno.test("totals are shown as counters are", () => {
  const tally = new Tally();
  tally.counters.requestsStarted += 2;
  strictEqual(
    countersText(tally.totals),
    "connections_opened 0\nconnections_closed 0\nrequests_started 2\nrequests_failed 0\n" +
      "requests_succeeded 0\nfaults 0\n",
  );
});
