/**
 * What a CALL from the backend to a client costs, on its way within an instance and across.
 *
 * @module
 */

import type { Sample } from "../compare/results.ts";
import { Latencies } from "../load/latencies.ts";
import type { Processes } from "../process/processes.ts";
import { type Pair, pairsOf, type Sides, sidesOfInstances, sidesOfWorkers } from "./sides.ts";

/** One round's numbers, by way and by how many CALLs are under way: one, or many. */
export type WaySamples = Readonly<Record<string, Sample>>;

/** A way to the same side and one to the other, as tables have them, and how they are measured. */
export interface Ways {
  readonly near: string;
  readonly far: string;
  measure(processes: Processes, durationMs: number): Promise<WaySamples>;
}

export const AT_ONCE = 32;
/** Compiles what is hot on either way. */
const WARM_UP_MS = 1500;

export const WORKERS: Ways = {
  near: "local",
  far: "other worker",
  async measure(processes, durationMs) {
    const stub = await processes.startStub();
    const flags = ["--workers=2", "--log-level=info", "--log-format=json"];
    const gateway = await processes.startGateway(stub, flags, "piped");
    return await samplesOf(this, await sidesOfWorkers(processes, gateway), durationMs);
  },
};

export const INSTANCES: Ways = {
  near: "same instance",
  far: "other instance",
  async measure(processes, durationMs) {
    const nats = await processes.startNats();
    const stub = await processes.startStub();
    const flags = [`--nats=nats://127.0.0.1:${nats.port}`];
    const first = await processes.startGateway(stub, flags);
    const second = await processes.startGateway(stub, flags);
    return await samplesOf(this, await sidesOfInstances(processes, [first, second]), durationMs);
  },
};

async function samplesOf({ near, far }: Ways, sides: Sides, ms: number): Promise<WaySamples> {
  const [nearPairs, farPairs] = [pairsOf(sides, true, AT_ONCE), pairsOf(sides, false, AT_ONCE)];
  await manyAtOnce(nearPairs, WARM_UP_MS);
  await manyAtOnce(farPairs, WARM_UP_MS);
  const samples = {
    [`${near} one`]: await oneByOne(nearPairs, ms),
    [`${near} many`]: await manyAtOnce(nearPairs, ms),
    [`${far} one`]: await oneByOne(farPairs, ms),
    [`${far} many`]: await manyAtOnce(farPairs, ms),
  };
  for (const caller of sides.callers.flat()) caller.close();
  return samples;
}

/** One CALL after the other, over all pairs. */
async function oneByOne(pairs: readonly Pair[], durationMs: number): Promise<Sample> {
  const latencies = new Latencies();
  const startAt = performance.now();
  for (let i = 0; performance.now() - startAt < durationMs; i++) {
    const { caller, clientId } = pairs[i % pairs.length]!;
    latencies.record(await caller.call(clientId));
  }
  return sampleOf(latencies, performance.now() - startAt);
}

/** Each pair by itself, all at once. */
async function manyAtOnce(pairs: readonly Pair[], durationMs: number): Promise<Sample> {
  const latencies = new Latencies();
  const startAt = performance.now();
  await Promise.all(pairs.map(async ({ caller, clientId }) => {
    while (performance.now() - startAt < durationMs) latencies.record(await caller.call(clientId));
  }));
  return sampleOf(latencies, performance.now() - startAt);
}

function sampleOf(latencies: Latencies, ms: number): Sample {
  return {
    p50Ms: latencies.percentile(50),
    p99Ms: latencies.percentile(99),
    callsPerSecond: (latencies.count / ms) * 1000,
  };
}
