/**
 * A round of load on several servers, turn by turn.
 *
 * @module
 */

import { Load } from "../load/load.ts";
import { coresOf, cpuOf, measure, microsOf, troubleOf } from "../load/measure.ts";
import type { Processes, Server } from "../process/processes.ts";
import { digits, ms } from "../report/markdown.ts";
import { pin } from "./pin.ts";
import type { Results, Turn } from "./results.ts";

/** A server under test: one process. */
export interface Contender {
  /** As flags have it. */
  readonly name: string;
  /** For people. */
  readonly label: string;
  /** Whether it has one processor to itself and leaves the others to its load. */
  readonly isPinned: boolean;
  /** Starts a backend for it, when the stub is none. */
  startBackend?(processes: Processes): Promise<Server>;
  /** Starts it in front of a backend. Whoever owns `processes` ends it. */
  start(processes: Processes, stub: Server): Promise<Server>;
}

/** What it is loaded with. */
export interface Scenario {
  readonly name: string;
  readonly clients: number;
  readonly rampMs: number;
  /** Null for the closed loop. */
  readonly periodMs: number | null;
}

/** A contender that runs, and its own backend: none shares connections with another. */
export interface Running {
  readonly contender: Contender;
  readonly server: Server;
  readonly stub: Server;
}

/** Compiles what is hot, and fills pools and caches, before the first turn that counts. */
const WARM_UP = { name: "warm-up", clients: 64, rampMs: 200, periodMs: null };
const FIRST_MS = 3000;
/** In each turn, from the last client's connect until it counts. */
const WARM_UP_MS = 1500;

/** What a turn's numbers are of, in `Results`. */
export function keyOf(scenario: { name: string }, contender: { label: string }): string {
  return `${scenario.name}, ${contender.label}`;
}

/**
 * One round: fresh processes, and within a scenario the contenders take turns, so that two numbers that
 * are compared are seconds apart. The first one is another in each round. A server that has no load
 * costs the others nothing.
 *
 * @param firstMs How long each is loaded before the first turn that counts.
 */
export async function takeRound(
  processes: Processes,
  results: Results,
  round: number,
  contenders: readonly Contender[],
  scenarios: readonly Scenario[],
  holdMs: number,
  firstMs = FIRST_MS,
): Promise<void> {
  if (scenarios.length === 0) return;
  await processes.with(async (own) => {
    const all: Running[] = [];
    for (const contender of rotated(contenders, round)) {
      await results.take(round, keyOf(WARM_UP, contender), "answersPerSecond", async (turn) => {
        const running = await start(own, contender);
        all.push(running);
        return await takeTurn(turn, running, WARM_UP, firstMs);
      });
    }
    for (const scenario of scenarios) {
      for (const running of all) {
        const key = keyOf(scenario, running.contender);
        await results.take(
          round,
          key,
          "answersPerSecond",
          (turn) => takeTurn(turn, running, scenario, holdMs),
        );
      }
    }
  });
}

/** Starts a contender and its backend. */
export async function start(processes: Processes, contender: Contender): Promise<Running> {
  const stub = await (contender.startBackend?.(processes) ?? processes.startStub());
  const server = await contender.start(processes, stub);
  if (contender.isPinned) {
    await pin(stub.pid, "load");
    await pin(server.pid, "server");
  }
  return { contender, server, stub };
}

/** Loads a server from one generator process, which `processes` takes. */
export async function takeTurn(
  processes: Processes,
  { contender, server, stub }: Running,
  { clients, rampMs, periodMs }: Scenario,
  holdMs: number,
): Promise<Turn> {
  const target = { hostname: "127.0.0.1", port: server.port, path: "/" };
  const load = await Load.start(processes, [{ target, prefix: "turn", clients, rampMs, periodMs }]);
  if (contender.isPinned) { for (const pid of load.pids) await pin(pid, "load"); }
  const pids = [server.pid, stub.pid];
  const outcome = await measure(load, { rampMs, warmUpMs: WARM_UP_MS, holdMs, pids });
  const cpu = (of: readonly number[]) => cpuOf(outcome, of).both;
  const sample = {
    answersPerSecond: outcome.answersPerSecond,
    p50Ms: outcome.roundTrip.percentile(50),
    p99Ms: outcome.roundTrip.percentile(99),
    cpuMicros: microsOf(outcome, cpu([server.pid])),
    serverCores: coresOf(outcome, cpu([server.pid])),
    stubCores: coresOf(outcome, cpu([stub.pid])),
    loadCores: coresOf(outcome, cpu(load.pids)),
    residentMb: outcome.end.processes[server.pid]!.residentKib * 1024 / 1e6,
  };
  return { sample, trouble: troubleOf(outcome) };
}

/** A row's cells for the medians: answers/s, p50, p99, CPU, processors kept busy. */
export function cellsOf(results: Results, key: string, cpu: (micros: number) => string): string[] {
  const median = (metric: string) => results.median(key, metric);
  return [
    digits(median("answersPerSecond")),
    ms(median("p50Ms"), 2),
    ms(median("p99Ms"), 2),
    cpu(median("cpuMicros")),
    ["serverCores", "stubCores", "loadCores"].map((each) => digits(median(each), 2)).join(" + "),
  ];
}

/** Another one first. */
export function rotated<T>(all: readonly T[], by: number): T[] {
  const first = by % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}
