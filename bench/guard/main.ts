/**
 * Whether the hot path has become slower: the gateway against the bare bridge, by turns.
 *
 *     deno task bench:guard                two minutes; exit code 1 above a limit of limits.ts
 *
 * What is held is the CPU time for one answer as a multiple of the bare bridge's, taken seconds apart:
 * a slower machine, or one with other work on it, slows both. The server has one processor to itself
 * and its load and backend the others, so there must be two, and `taskset`. Linux only.
 *
 * @module
 */

import { Command } from "commander";
import { pin } from "../compare/pin.ts";
import { Results } from "../compare/results.ts";
import { keyOf, takeRound } from "../compare/round.ts";
import { PEERS } from "../peers/contender.ts";
import { LOADS } from "../peers/scenario.ts";
import { integer, number } from "../process/flags.ts";
import type { Processes } from "../process/processes.ts";
import { runTask } from "../process/task.ts";
import { writeOut } from "../process/text.ts";
import { readMachine } from "../report/machine.ts";
import { digits, markdownTable } from "../report/markdown.ts";
import { isWithin, LIMITS } from "./limits.ts";

/** In a round, for each server: what is hot is compiled, pools are full. */
const FIRST_MS = 1000;
const GATEWAY = PEERS.find(({ name }) => name === "tcp")!;
const FLOOR = PEERS.find(({ name }) => name === "bare")!;
const SCENARIOS = LOADS.filter(({ name }) => LIMITS[name] !== undefined);

interface Flags {
  readonly rounds: number;
  readonly seconds: number;
}

const command = new Command("bench:guard")
  .description("Whether the gateway costs more beyond the bare bridge than it did.")
  .option("--rounds <n>", "turns of each; the medians count", integer(1, 100), 5)
  .option("--seconds <n>", "how long each turn is measured", number(0.5, 600), 2);

/** The exit code: 0 when all is within the limits, 1 when not, or for any trouble. */
async function main({ rounds, seconds }: Flags, processes: Processes): Promise<number> {
  // Whoever is started inherits it, until it is given its own.
  if (!await pin(Deno.pid, "load")) throw new Error("needs two processors and `taskset`");
  const results = new Results(processes);
  for (let round = 0; round < rounds; round++) {
    const contenders = [GATEWAY, FLOOR];
    await takeRound(processes, results, round, contenders, SCENARIOS, seconds * 1000, FIRST_MS);
  }
  const rows = SCENARIOS.map((scenario) => {
    const [gateway, floor] = [keyOf(scenario, GATEWAY), keyOf(scenario, FLOOR)];
    const micros = (key: string) => `${digits(results.median(key, "cpuMicros"), 1)} µs`;
    const ratio = results.ratio(gateway, floor, "cpuMicros");
    const isGood = isWithin(scenario.name, ratio);
    const limit = LIMITS[scenario.name]!;
    const cells = [digits(ratio, 2), digits(limit, 2), isGood ? "yes" : "NO"];
    return { isGood, cells: [scenario.title, micros(gateway), micros(floor), ...cells] };
  });
  const heading = ["CPU for one answer", "gateway", "bare bridge", "ratio", "limit", "within"];
  writeOut(`On ${await readMachine()}; medians of ${rounds}, ${seconds} s a turn.\n\n`);
  writeOut(`${markdownTable([heading, ...rows.map(({ cells }) => cells)])}\n`);
  for (const trouble of results.troubles) writeOut(`\nTrouble: ${trouble}\n`);
  return results.troubles.length === 0 && rows.every(({ isGood }) => isGood) ? 0 : 1;
}

if (import.meta.main) await runTask(command, main);
