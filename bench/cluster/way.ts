/**
 * What a CALL from the backend to a client costs, on its way within an instance and across.
 *
 * @module
 */

import { Latencies } from "../load/histogram.ts";
import type { Processes } from "../load/processes.ts";
import { startNats } from "./nats_server.ts";
import { type Pair, pairsOf, type Sides, sidesOfInstances, sidesOfWorkers } from "./sides.ts";

/** A way from caller to client, as tables have it. */
export type Way = "local" | "other worker" | "same instance" | "other instance";

/** One round's numbers of one way. */
export interface WaySample {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly callsPerSecond: number;
}

/** By way, for one CALL at a time and for many at once. */
export type WaySamples = ReadonlyMap<Way, { readonly one: WaySample; readonly many: WaySample }>;

export const AT_ONCE = 32;
/** Compiles what is hot on either way. */
const WARM_UP_MS = 1500;

/** Starts a gateway with two workers; measures a CALL to a client of the same and of the other one. */
export async function measureWorkers(
  processes: Processes,
  durationMs: number,
): Promise<WaySamples> {
  const backendPort = await processes.startBackend();
  const flags = ["--workers=2"];
  const { url } = await processes.startGateway(backendPort, flags);
  const sides = await sidesOfWorkers(Number(new URL(url).port));
  return await measure(sides, ["local", "other worker"], durationMs);
}

/** Starts two gateways on one NATS; measures a CALL to a client of the same and of the other one. */
export async function measureInstances(
  processes: Processes,
  durationMs: number,
): Promise<WaySamples> {
  const nats = await startNats(processes);
  const backendPort = await processes.startBackend();
  const flags = [`--nats=${nats.url}`];
  const first = await processes.startGateway(backendPort, flags);
  const second = await processes.startGateway(backendPort, flags);
  const ports = [first, second].map(({ url }) => Number(new URL(url).port));
  const sides = await sidesOfInstances([ports[0]!, ports[1]!]);
  return await measure(sides, ["same instance", "other instance"], durationMs);
}

async function measure(
  sides: Sides,
  [near, far]: readonly [Way, Way],
  durationMs: number,
): Promise<WaySamples> {
  const pairs = { near: pairsOf(sides, true, AT_ONCE), far: pairsOf(sides, false, AT_ONCE) };
  await callFor(pairs.near, WARM_UP_MS);
  await callFor(pairs.far, WARM_UP_MS);
  const samples = new Map([
    [near, {
      one: await inTurn(pairs.near, durationMs),
      many: await callFor(pairs.near, durationMs),
    }],
    [far, { one: await inTurn(pairs.far, durationMs), many: await callFor(pairs.far, durationMs) }],
  ]);
  sides.close();
  return samples;
}

/** One CALL after the other, over all pairs. */
async function inTurn(pairs: readonly Pair[], durationMs: number): Promise<WaySample> {
  const latencies = new Latencies();
  const startAt = performance.now();
  for (let i = 0; performance.now() - startAt < durationMs; i++) {
    const { caller, clientId } = pairs[i % pairs.length]!;
    latencies.record(await caller.call(clientId));
  }
  return sampleOf(latencies, performance.now() - startAt);
}

/** Each pair by itself, all at once. */
async function callFor(pairs: readonly Pair[], durationMs: number): Promise<WaySample> {
  const latencies = new Latencies();
  const startAt = performance.now();
  await Promise.all(pairs.map(async ({ caller, clientId }) => {
    while (performance.now() - startAt < durationMs) latencies.record(await caller.call(clientId));
  }));
  return sampleOf(latencies, performance.now() - startAt);
}

function sampleOf(latencies: Latencies, ms: number): WaySample {
  return {
    p50Ms: latencies.percentile(50),
    p99Ms: latencies.percentile(99),
    callsPerSecond: (latencies.count / ms) * 1000,
  };
}
