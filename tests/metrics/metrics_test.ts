import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { countersText } from "../../lib/metrics/counters.ts";
import { expose } from "../../lib/metrics/exposition.ts";
import { Histogram, histogram } from "../../lib/metrics/family.ts";
import { LagWatch } from "../../lib/metrics/lag.ts";
import { metricsBuffer, MetricSet } from "../../lib/metrics/metrics.ts";
import { Cell } from "../../lib/metrics/tally.ts";
import { FakeClock } from "../support/fake_clock.ts";

const FACTS = {
  version: "1.2.3",
  deno: "2.9.6",
  startedAtSeconds: 1000,
  workers: 1,
  maxConnections: 10,
  maxWaiting: 20,
  maxBackendConnections: 40,
  maxReports: 25,
  maxMemoryBytes: 30,
  certificateEndsAt: () => undefined,
};
const USAGE = {
  cpu: { user: 1_500_000, system: 500_000 },
  memory: { rss: 7, heapUsed: 8, heapTotal: 9, external: 10 },
};

Deno.test("a duration counts in the first bucket that holds it, and in the sum", () => {
  const cells = Array.from({ length: 4 }, () => new Cell());
  const seconds = new Histogram([0.1, 1], cells);
  for (const each of [0, 0.1, 0.11, 1, 1.01, 1e9]) seconds.observe(each);
  deepStrictEqual(seconds.counts, [2, 2, 2]);
  strictEqual(seconds.sumSeconds, 0 + 0.1 + 0.11 + 1 + 1.01 + 1e9);
});

Deno.test("a histogram's buckets are shown added up, as Prometheus wants them", () => {
  const family = histogram("x_seconds", "", [0.1, 1]);
  const handle = family.bind(() => new Cell());
  for (const each of [0.05, 0.5, 0.5, 5]) handle.observe(each);
  deepStrictEqual(family.samples(handle), [
    { name: "x_seconds_bucket", labels: { le: "0.1" }, value: 1 },
    { name: "x_seconds_bucket", labels: { le: "1" }, value: 3 },
    { name: "x_seconds_bucket", labels: { le: "+Inf" }, value: 4 },
    { name: "x_seconds_sum", labels: {}, value: 6.05 },
    { name: "x_seconds_count", labels: {}, value: 4 },
  ]);
});

Deno.test("no two metrics share a cell, in one thread or in several", () => {
  const protocols = ["ocpp1.6", "ocpp2.1"];
  const buffer = metricsBuffer(protocols, 3);
  const sets = [0, 1, 2].map((row) => new MetricSet(protocols, buffer, row));
  const cells = sets.flatMap(({ metrics }) => cellsOf(metrics));
  for (const [i, cell] of cells.entries()) {
    strictEqual(cell.own, 0, `cell ${i} is another one's too`);
    cell.own = i + 1;
  }
  for (const [i, cell] of cells.entries()) strictEqual(cell.own, i + 1);
  const room = buffer.byteLength / Float64Array.BYTES_PER_ELEMENT;
  // The cells of histograms are their own; all others are these.
  ok(cells.length < room && cells.length > 3 * 100);
});

function cellsOf(handle: unknown): Cell[] {
  if (handle instanceof Cell) return [handle];
  if (handle instanceof Histogram || typeof handle !== "object" || handle === null) return [];
  return Object.values(handle).flatMap(cellsOf);
}

Deno.test("what a thread that ended held is cleared, what it counted stays", () => {
  const buffer = metricsBuffer(["a"], 2);
  const [first, second] = [0, 1].map((row) => new MetricSet(["a"], buffer, row));
  ok(first !== undefined && second !== undefined);
  for (const { metrics } of [first, second]) {
    metrics.connections.a?.add(5);
    metrics.waiting.add(7);
    metrics.opened.add(9);
    metrics.callSeconds.observe(1);
  }
  first.clearGauges(1);
  const { connections, waiting, opened, callSeconds } = first.metrics;
  deepStrictEqual([connections.a?.sum, waiting.sum, opened.sum], [5, 7, 18]);
  strictEqual(callSeconds.sumSeconds, 2);
});

Deno.test("a subprotocol may be called anything", () => {
  const { metrics } = new MetricSet(["__proto__", "constructor"]);
  metrics.connections["__proto__"]?.add(2);
  strictEqual(metrics.connections["__proto__"]?.sum, 2);
  strictEqual(metrics.connections["toString"], undefined);
});

Deno.test("the counters are shown as name and value", () => {
  const { metrics } = new MetricSet(["ocpp1.6"]);
  metrics.requestsStarted.add(2);
  metrics.closed.client.add(3);
  metrics.closed.lost.add(4);
  strictEqual(
    countersText(metrics),
    "connections_opened 0\nconnections_closed 7\nrequests_started 2\nrequests_failed 0\n" +
      "requests_succeeded 0\nfaults 0\n",
  );
});

Deno.test("Prometheus reads each family with its type, and each series also before it counts", async () => {
  const set = new MetricSet(["ocpp1.6"]);
  set.metrics.frames.in.call.add(3);
  set.metrics.backendSeconds.observe(0.02);
  const { contentType, text } = await expose(set.samples(), FACTS, USAGE, 0);
  match(contentType, /^text\/plain; version=0\.0\.4/);
  for (
    const line of [
      "# TYPE ws2api_connections gauge",
      'ws2api_connections{protocol="ocpp1.6"} 0',
      'ws2api_connections{protocol="none"} 0',
      "# TYPE ws2api_connections_opened_total counter",
      'ws2api_connections_closed_total{reason="replaced"} 0',
      'ws2api_upgrades_refused_total{reason="denied"} 0',
      'ws2api_frames_total{direction="in",type="call"} 3',
      'ws2api_frames_total{direction="out",type="resulterror"} 0',
      'ws2api_faults_total{code="FormationViolation"} 0',
      'ws2api_backend_requests_total{kind="disconnect",outcome="unreachable"} 0',
      'ws2api_backend_retries_total{kind="result"} 0',
      "# TYPE ws2api_backend_request_seconds histogram",
      'ws2api_backend_request_seconds_bucket{le="0.025"} 1',
      'ws2api_backend_request_seconds_bucket{le="+Inf"} 1',
      "ws2api_backend_request_seconds_sum 0.02",
      "ws2api_backend_request_seconds_count 1",
      "ws2api_call_seconds_count 0",
      "ws2api_api_call_seconds_count 0",
      'ws2api_api_requests_total{status="202"} 0',
      "ws2api_waiting 0",
      "ws2api_outstanding_calls 0",
      'ws2api_build_info{version="1.2.3",deno="2.9.6"} 1',
      "process_cpu_seconds_total 2",
      "process_start_time_seconds 1000",
      "process_resident_memory_bytes 7",
    ]
  ) {
    ok(text.split("\n").includes(line), `${line} is missing in\n${text}`);
  }
});

Deno.test("the event loop's lag is how late a timer comes, once a second", () => {
  const clock = new FakeClock();
  let lateMs = 0;
  const seconds = new Cell();
  const watch = new LagWatch({
    wallNow: () => 0,
    now: () => clock.now() + lateMs,
    setTimeout: (callback, ms) => clock.setTimeout(callback, ms),
    clearTimeout: (timer) => clock.clearTimeout(timer),
    setImmediate: (callback) => clock.setImmediate(callback),
  }, seconds);
  watch.start();
  clock.tick(1000);
  strictEqual(seconds.own, 0);
  lateMs = 250;
  clock.tick(1000);
  strictEqual(seconds.own, 0.25);
  clock.tick(1000);
  strictEqual(seconds.own, 0);
  watch.stop();
  strictEqual(clock.timers, 0);
});

Deno.test("the certificate's end is told in seconds from now, and not without TLS", async () => {
  const name = "ws2api_certificate_expiry_seconds";
  const told = async (endsAt: number | undefined): Promise<string | undefined> => {
    const facts = { ...FACTS, certificateEndsAt: () => endsAt };
    return new RegExp(`^${name} (.*)$`, "m").exec((await expose([], facts, USAGE, 5000)).text)?.[1];
  };
  strictEqual(await told(65_000), "60");
  strictEqual(await told(3500), "-1.5");
  strictEqual(await told(undefined), undefined);
});
