/**
 * Load on one gateway.
 *
 * @module
 */

import { target } from "../load/flags.ts";
import { Latencies } from "../load/histogram.ts";
import { follow } from "../load/main.ts";
import type { Processes } from "../load/processes.ts";
import { type FinalReport, noTotals, troubles, unanswered } from "../load/totals.ts";
import { startGenerator } from "./cast.ts";
import { look } from "./proc.ts";

/** How much. */
export interface Load {
  readonly title: string;
  readonly clients: number;
  /** Between the CALLs of one client; null for the closed loop: the next one at the answer. */
  readonly periodMs: number | null;
}

/** What it came to. */
export interface LoopSample {
  readonly answersPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time of the gateway for an answer. */
  readonly gatewayMicros: number;
  readonly gatewayCores: number;
  readonly stubCores: number;
  readonly generatorCores: number;
}

/** From when all are connected until it counts. */
const WARM_UP_MS = 2000;
const CONNECT_MS = 20_000;
const GRACE_MS = 3000;
const REPORT_MS = 10_000;

/**
 * Starts a gateway with a stub behind it and loads it.
 *
 * @param processes Takes all that is started; end them to end the run.
 * @throws When a client fails or a CALL has no CALLRESULT: such numbers say nothing.
 */
export async function loop(
  processes: Processes,
  { clients, periodMs }: Load,
  gatewayFlags: readonly string[],
  durationMs: number,
): Promise<LoopSample> {
  const stub = await processes.startServer(["run", "--allow-ffi", "bench/cluster/stub.ts"]);
  const gateway = await processes.startGateway(stub.port, gatewayFlags);
  const { hostname, port } = target(gateway.url);
  const generator = await startGenerator(processes, {
    hostnames: [hostname],
    port,
    prefix: "loop-",
    clients,
    rampMs: Math.max(100, clients),
    periodMs,
    graceMs: GRACE_MS,
  });
  let totals = noTotals();
  const reported = follow(generator, (counts) => totals = counts);
  reported.catch(() => {});
  const pids = [gateway.pid, stub.pid, generator.pid];
  await generator.say("go\n");
  await until(() => totals.opened + totals.failed === clients, CONNECT_MS);
  await pause(WARM_UP_MS);
  await generator.say("measure\n");
  const begin = await look(pids);
  await pause(durationMs);
  const end = await look(pids);
  await generator.say("stop\n");
  let report: FinalReport | undefined;
  void reported.then((last) => report = last, () => {});
  await until(() => report !== undefined, GRACE_MS + REPORT_MS);
  const { totals: last, reasons, answersPerSecond, roundTrip } = report!;
  if (troubles(last) > 0 || unanswered(last) > 0) {
    throw new Error(`not all was answered: ${JSON.stringify(last)} ${reasons.join("; ")}`);
  }
  const latencies = new Latencies();
  latencies.add(roundTrip);
  const [gatewayCores, stubCores, generatorCores] = pids.map((pid) => {
    const before = begin.processes.get(pid);
    const after = end.processes.get(pid);
    if (before === undefined || after === undefined) return NaN;
    const seconds = after.userSeconds + after.systemSeconds - before.userSeconds -
      before.systemSeconds;
    return seconds / ((end.at - begin.at) / 1000);
  });
  return {
    answersPerSecond,
    p50Ms: latencies.percentile(50),
    p99Ms: latencies.percentile(99),
    gatewayMicros: (gatewayCores! / answersPerSecond) * 1e6,
    gatewayCores: gatewayCores!,
    stubCores: stubCores!,
    generatorCores: generatorCores!,
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** @throws When it is not so in time. */
async function until(isSo: () => boolean, ms: number): Promise<void> {
  const endAt = performance.now() + ms;
  while (!isSo()) {
    if (performance.now() > endAt) throw new Error("the generator did not get there in time");
    await pause(20);
  }
}
