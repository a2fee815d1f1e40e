/**
 * The whole comparison, turn by turn.
 *
 * @module
 */

import type { Processes } from "../load/processes.ts";
import { writeErr } from "../load/text.ts";
import type { Contender, Server } from "./contender.ts";
import type { Settings } from "./flags.ts";
import type { Groups } from "./groups.ts";
import { pin } from "./pin.ts";
import { Results, type Turn } from "./results.ts";
import { WARM_UP } from "./scenario.ts";
import { idle, load, type Outcome } from "./turn.ts";

/** A backend that answers at once. */
const BACKEND = ["run", "--allow-net=127.0.0.1", "bench/load/backend.ts"];
const WARM_UP_MS = 3000;

/** A contender that runs, and its own backend's process: none shares connections with another. */
interface Running {
  readonly contender: Contender;
  readonly server: Server;
  readonly backendPid: number;
}

/**
 * Runs all rounds.
 *
 * Each round has fresh processes, and within a scenario the contenders take turns, so that two numbers
 * that are compared are seconds apart. The first one is another in each round. A turn that fails is
 * noted as trouble and leaves its number out; the run goes on.
 */
export async function run(settings: Settings, groups: Groups): Promise<Results> {
  const results = new Results();
  for (let round = 0; round < settings.rounds; round++) {
    const order = rotated(settings.contenders, round);
    await loadRound(settings, groups, results, round, order);
    for (const scenario of settings.scenarios) {
      if (scenario.kind !== "idle") continue;
      for (const contender of order) {
        await take({ round, scenario, contender }, groups, results, async (processes) => {
          const { server } = await start(processes, contender);
          return await idle(processes, server, scenario.clients, settings.seconds * 1000);
        });
      }
    }
  }
  return results;
}

/** The turns of one round that put load on a server; idle servers cost the others nothing. */
async function loadRound(
  { scenarios, seconds }: Settings,
  groups: Groups,
  results: Results,
  round: number,
  order: readonly Contender[],
): Promise<void> {
  const loads = scenarios.filter((scenario) => scenario.kind === "load");
  if (loads.length === 0) return;
  await groups.with(async (processes) => {
    const running: Running[] = [];
    for (const contender of order) {
      if (contender.role === "floor") continue;
      try {
        const each = await start(processes, contender);
        await groups.with((own) => load(own, each.server, each.backendPid, WARM_UP, WARM_UP_MS));
        running.push(each);
      } catch (error) {
        if (groups.isEnded) throw error;
        results.addTrouble({ round, scenario: loads[0]!, contender }, reasonOf(error));
      }
    }
    for (const scenario of loads) {
      for (const { contender, server, backendPid } of running) {
        await take(
          { round, scenario, contender },
          groups,
          results,
          (own) => load(own, server, backendPid, scenario, seconds * 1000),
        );
      }
    }
  });
}

async function start(processes: Processes, contender: Contender): Promise<Running> {
  const backend = await processes.startServer(BACKEND);
  const server = await contender.start(processes, backend.port);
  await pin(backend.pid, "load");
  await pin(server.pid, "server");
  return { contender, server, backendPid: backend.pid };
}

/** One turn, with what it starts ended behind it. */
async function take(
  turn: Turn,
  groups: Groups,
  results: Results,
  measure: (processes: Processes) => Promise<Outcome>,
): Promise<void> {
  try {
    const { sample, trouble } = await groups.with(measure);
    results.add(turn, sample);
    if (trouble !== null) results.addTrouble(turn, trouble);
    showProgress(turn, sample[turn.scenario.compared], trouble);
  } catch (error) {
    if (groups.isEnded) throw error;
    results.addTrouble(turn, reasonOf(error));
    showProgress(turn, undefined, reasonOf(error));
  }
}

function showProgress(
  { round, scenario, contender }: Turn,
  value: number | undefined,
  trouble: string | null,
): void {
  const number = value === undefined ? "no number" : `${scenario.compared} ${value.toPrecision(4)}`;
  writeErr(`round ${round + 1}  ${scenario.name}  ${contender.label}: ${trouble ?? number}\n`);
}

function rotated<T>(all: readonly T[], by: number): T[] {
  const first = by % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
