/**
 * The gateway against what the platform itself costs and bridges for Node, in one run, turn by turn.
 *
 *     deno task bench:peers                                the whole, about 40 minutes
 *     deno task bench:peers --rounds 1 --seconds 2 --only closed-64,open
 *
 * Everything runs on this machine and shares its processors, so only the ratios say something. Linux
 * only. `--original` adds the original in Go, whose program is yours to build: see original.ts. Needs
 * `node` and, the first time, `npm` with its registry. A whole run writes its part of
 * bench/RESULTS.md and bench/peers/peers.svg.
 *
 * @module
 */

import { join } from "node:path";
import { Command } from "commander";
import { Results } from "../compare/results.ts";
import { keyOf, rotated, takeRound } from "../compare/round.ts";
import { integer, listOf, number } from "../process/flags.ts";
import type { Processes } from "../process/processes.ts";
import { runTask } from "../process/task.ts";
import { writeOut } from "../process/text.ts";
import { readMachine } from "../report/machine.ts";
import { writeResults } from "../report/markdown.ts";
import { type Peer, PEERS } from "./contender.ts";
import packages from "./node/package.json" with { type: "json" };
import { original } from "./original.ts";
import { IDLE, isLoaded, pictureOf, sectionOf } from "./report.ts";
import { LOADS, takeIdleTurn } from "./scenario.ts";

const NODE = join(import.meta.dirname!, "node");
/** A process may have 20,000 open files on the machines that this runs on. */
const MAX_IDLE_CLIENTS = 19_000;
const SCENARIOS = [...LOADS, IDLE].map(({ name }) => name);
const CONTENDERS = PEERS.map(({ name }) => name);

interface Flags {
  readonly rounds: number;
  readonly seconds: number;
  readonly only?: readonly string[];
  readonly contenders?: readonly string[];
  readonly idleClients: number;
  readonly original?: string;
  readonly originalArgs: string;
  readonly json?: string;
  readonly write: boolean;
}

const command = new Command("bench:peers")
  .description("The gateway against the bare platform and bridges for Node, turn by turn.")
  .option("--rounds <n>", "rounds; the medians count", integer(1, 100), 5)
  .option("--seconds <n>", "how long each turn is measured, or is idle", number(0.5, 600), 10)
  .option("--only <list>", `scenarios, of ${SCENARIOS}`, listOf(SCENARIOS))
  .option("--contenders <list>", `of ${CONTENDERS}`, listOf(CONTENDERS))
  .option("--idle-clients <n>", "for the memory", integer(1, MAX_IDLE_CLIENTS), 15_000)
  .option("--original <path>", "the original in Go as one more row: its program")
  .option(
    "--original-args <text>",
    "its arguments, with {port} and {backend} for what it is to be told; without, ports 4000 and 5000",
    "",
  )
  .option("--json <file>", "writes the numbers of each turn there")
  .option("--no-write", "leaves bench/RESULTS.md and the chart alone, as a part of the whole does");

/** @returns Its standard output. @throws When it fails. */
async function output(program: string, args: string[]): Promise<string> {
  const options = { args, cwd: NODE, stderr: "inherit" } as const;
  const { success, stdout } = await new Deno.Command(program, options).output();
  if (!success) throw new Error(`${program} ${args.join(" ")} failed`);
  return new TextDecoder().decode(stdout).trim();
}

/** Installs the peers exactly as their lock file says, unless that was done since it changed. */
async function install(): Promise<void> {
  const wantedAt = (await Deno.stat(join(NODE, "package-lock.json"))).mtime!;
  // npm writes this when all else is in place.
  const done = await Deno.stat(join(NODE, "node_modules/.package-lock.json")).catch(() => null);
  if (done !== null && done.mtime! >= wantedAt) return;
  // None needs its install script: the native part comes built.
  await output("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
}

/** The exit code: 0 for a clean run, 1 for any trouble. */
async function main(flags: Flags, processes: Processes): Promise<number> {
  const { rounds, seconds, only = SCENARIOS, contenders = CONTENDERS } = flags;
  await install();
  const { ws, undici, "ocpp-rpc": ocppRpc } = packages.dependencies;
  const node = (await output("node", ["--version"])).replace(/^v/, "");
  const versions = { Deno: Deno.version.deno, Node: node, ws, "ocpp-rpc": ocppRpc, undici };
  const loads = LOADS.filter(({ name }) => only.includes(name));
  const idleClients = only.includes(IDLE.name) ? flags.idleClients : null;
  const peers: readonly Peer[] = [
    ...PEERS.filter(({ name }) => contenders.includes(name)),
    ...flags.original === undefined ? [] : [original(flags.original, flags.originalArgs)],
  ];
  const loaded = peers.filter(isLoaded);
  const results = new Results(processes);
  for (let round = 0; round < rounds; round++) {
    await takeRound(processes, results, round, loaded, loads, seconds * 1000);
    if (idleClients === null) continue;
    for (const peer of rotated(peers, round)) {
      await results.take(
        round,
        keyOf(IDLE, peer),
        "clientKib",
        (turn) => takeIdleTurn(turn, peer, idleClients, seconds * 1000),
      );
    }
  }
  const machine = await readMachine();
  const comparison = { results, rounds, seconds, loads, idleClients, peers, machine, versions };
  const section = sectionOf(comparison);
  writeOut(section);
  if (flags.json !== undefined) {
    await Deno.writeTextFile(flags.json, `${JSON.stringify(comparison, null, 2)}\n`);
  }
  const isWhole = flags.only === undefined && flags.contenders === undefined;
  if (flags.write && isWhole) {
    await writeResults("bench:peers", section, { "peers/peers.svg": pictureOf(comparison) });
  }
  return results.troubles.length === 0 ? 0 : 1;
}

if (import.meta.main) await runTask(command, main);
