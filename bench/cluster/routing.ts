/**
 * What it costs to be more than one: a CALL to a client of another worker and of another instance
 * against one of one's own, and two workers against one at the same load.
 *
 *     deno task bench:cluster                                   the whole, about 5 minutes
 *     deno task bench:cluster --rounds 1 --seconds 1 --no-write
 *
 * Linux only; needs `nats-server`. A whole run writes its part of bench/RESULTS.md.
 *
 * @module
 */

import { Command } from "commander";
import { Results } from "../compare/results.ts";
import { cellsOf, type Contender, keyOf, type Scenario, takeRound } from "../compare/round.ts";
import { integer, number } from "../process/flags.ts";
import type { Processes } from "../process/processes.ts";
import { runTask } from "../process/task.ts";
import { writeOut } from "../process/text.ts";
import { digits, markdownTable, ms, writeResults } from "../report/markdown.ts";
import { AT_ONCE, INSTANCES, WORKERS } from "./way.ts";

const ROUNDS = 3;
const SECONDS = 8;
const LOADS: readonly Scenario[] = [
  { name: "64 clients, closed loop", clients: 64, rampMs: 100, periodMs: null },
  { name: "1,000 clients, closed loop", clients: 1000, rampMs: 1000, periodMs: null },
  { name: "1,000 clients, 5,000 CALLs/s", clients: 1000, rampMs: 1000, periodMs: 200 },
];
const ONE = withWorkers(1);
const BOTH = [ONE, withWorkers(2)];

interface Flags {
  readonly rounds: number;
  readonly seconds: number;
  readonly write: boolean;
}

const command = new Command("bench:cluster")
  .description("A CALL to another worker and another instance; two workers against one.")
  .option("--rounds <n>", "rounds; the medians count", integer(1, 100), ROUNDS)
  .option("--seconds <n>", "how long each turn counts", number(0.5, 600), SECONDS)
  .option("--no-write", "leaves bench/RESULTS.md alone, as fewer rounds or seconds do");

/** All share the processors: with two workers there is none to be had for one alone. */
function withWorkers(count: number): Contender {
  return {
    name: `${count}`,
    label: `--workers ${count}`,
    isPinned: false,
    start: (processes, stub) => processes.startGateway(stub, [`--workers=${count}`]),
  };
}

function sectionOf(results: Results, { rounds, seconds }: Flags): string {
  const ways = [WORKERS, INSTANCES].flatMap(({ near, far }) => [near, far]).map((way) => [
    way,
    ...["one", "many"].flatMap((how) => {
      const median = (metric: string) => results.median(`${way} ${how}`, metric);
      return [ms(median("p50Ms"), 2), ms(median("p99Ms"), 2), digits(median("callsPerSecond"))];
    }),
  ]);
  const loops = LOADS.flatMap((load) =>
    BOTH.map((contender) => {
      const key = keyOf(load, contender);
      const [rate = "", ...rest] = cellsOf(results, key, (micros) => `${digits(micros)} µs`);
      const ratio = digits(results.ratio(key, keyOf(load, ONE), "answersPerSecond"), 2);
      return [load.name, contender.name, rate, ratio, ...rest];
    })
  );
  return [
    "## Workers and instances: `deno task bench:cluster`",
    `Medians of ${rounds} ${rounds === 1 ? "round" : "rounds"}, ${seconds} s a turn, fresh ` +
    `processes in each round, ${navigator.hardwareConcurrency} processors for all of it. A CALL of ` +
    "the backend with `Prefer: wait`, from the request to the whole response with the client's " +
    "answer: to a client of the same worker or instance as the caller's connection, and of the " +
    `other one (\`--workers 2\`; two instances on NATS). One CALL at a time, then ${AT_ONCE} at once.`,
    markdownTable([
      ["", "p50", "p99", "CALLs/s", `p50, ${AT_ONCE} at once`, "p99", "CALLs/s"],
      ...ways,
    ]),
    "`--workers 2` against `--workers 1`. “CPU” is the gateway's for an answer. “Cores busy” is " +
    "gateway + stub + generator: the gateway can use no more than the others leave of the processors.",
    markdownTable([
      ["", "workers", "answers/s", "× 1 worker", "p50", "p99", "CPU", "cores busy"],
      ...loops,
    ]),
    ...results.troubles.length === 0
      ? []
      : [["Trouble:\n", ...results.troubles.map((trouble) => `- ${trouble}`)].join("\n")],
  ].join("\n\n") + "\n";
}

/** The exit code: 0 for a clean run, 1 for any trouble. */
async function main(flags: Flags, processes: Processes): Promise<number> {
  const results = new Results(processes);
  const durationMs = flags.seconds * 1000;
  for (let round = 0; round < flags.rounds; round++) {
    for (const ways of [WORKERS, INSTANCES]) {
      await results.take(round, `a CALL to ${ways.near} and ${ways.far}`, "p50Ms", async (own) => {
        const samples = await ways.measure(own, durationMs);
        for (const [of, sample] of Object.entries(samples)) results.add(round, of, sample);
        return { sample: samples[`${ways.far} one`]! };
      });
    }
    await takeRound(processes, results, round, BOTH, LOADS, durationMs);
  }
  const section = sectionOf(results, flags);
  writeOut(section);
  const isWhole = flags.rounds >= ROUNDS && flags.seconds >= SECONDS;
  if (flags.write && isWhole) await writeResults("bench:cluster", section);
  return results.troubles.length === 0 ? 0 : 1;
}

if (import.meta.main) await runTask(command, main);
