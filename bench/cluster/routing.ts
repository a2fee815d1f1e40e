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
import { parseFlags } from "../load/command.ts";
import { integer, number } from "../load/flags.ts";
import { writeErr, writeOut } from "../load/text.ts";
import { Groups } from "../peers/groups.ts";
import { type Load, loop, type LoopSample } from "./loop.ts";
import { digits, markdownTable, writeResults } from "./section.ts";
import { runTask } from "../load/task.ts";
import { AT_ONCE, measureInstances, measureWorkers, type Way, type WaySample } from "./way.ts";

const TASK = "bench:cluster";
const ROUNDS = 3;
const SECONDS = 8;
const WAYS: readonly Way[] = ["local", "other worker", "same instance", "other instance"];
const LOADS: readonly Load[] = [
  { title: "64 clients, closed loop", clients: 64, periodMs: null },
  { title: "1,000 clients, closed loop", clients: 1000, periodMs: null },
  { title: "1,000 clients, 5,000 CALLs/s", clients: 1000, periodMs: 200 },
];
const WORKERS = [1, 2] as const;

interface Settings {
  readonly rounds: number;
  readonly seconds: number;
  readonly isWritten: boolean;
}

/** Numbers by what they are of, one for each round. */
class Rounds {
  readonly #numbers = new Map<string, number[]>();
  readonly troubles: string[] = [];

  add(key: string, value: number): void {
    const numbers = this.#numbers.get(key) ?? [];
    numbers.push(value);
    this.#numbers.set(key, numbers);
  }

  /** NaN when nobody measured it. */
  median(key: string): number {
    const numbers = (this.#numbers.get(key) ?? []).toSorted((a, b) => a - b);
    const middle = numbers.length >> 1;
    return numbers.length % 2 === 1
      ? numbers[middle]!
      : (numbers[middle - 1] ?? NaN) / 2 + (numbers[middle] ?? NaN) / 2;
  }
}

/** @returns The settings, or what to print and the exit code. */
function readSettings(args: readonly string[]): Settings | { text: string; code: number } {
  const command = new Command(TASK)
    .description("A CALL to another worker and another instance; two workers against one.")
    .option("--rounds <n>", "rounds; the medians count", integer(1, 100), ROUNDS)
    .option("--seconds <n>", "how long each turn counts", number(0.5, 600), SECONDS)
    .option("--no-write", "leaves bench/RESULTS.md alone, as fewer rounds or seconds do");
  const unfit = parseFlags(command, args);
  if (unfit !== null) {
    return unfit.kind === "print" ? { text: unfit.text, code: 0 } : {
      text: `${unfit.message}
`,
      code: 2,
    };
  }
  const { rounds, seconds, write } = command.opts<
    { rounds: number; seconds: number; write: boolean }
  >();
  return { rounds, seconds, isWritten: write && rounds >= ROUNDS && seconds >= SECONDS };
}

/** All rounds; what fails is noted, and the run goes on. */
async function measureAll({ rounds, seconds }: Settings, groups: Groups): Promise<Rounds> {
  const results = new Rounds();
  async function take(name: string, turn: () => Promise<string>): Promise<void> {
    try {
      writeErr(`${name}: ${await turn()}\n`);
    } catch (error) {
      if (groups.isEnded) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      results.troubles.push(`${name}: ${reason}`);
      writeErr(`${name}: ${reason}\n`);
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (
      const [what, measure] of [["workers", measureWorkers], [
        "instances",
        measureInstances,
      ]] as const
    ) {
      await take(`round ${round + 1}, a CALL between ${what}`, async () => {
        const samples = await groups.with((processes) => measure(processes, seconds * 1000));
        for (const [way, { one, many }] of samples) {
          addSample(results, `${way} one`, one);
          addSample(results, `${way} many`, many);
        }
        return [...samples].map(([way, { one }]) => `${way} ${digits(one.p50Ms, 3)} ms`).join(", ");
      });
    }
    for (const load of LOADS) {
      // Another first one in each round.
      for (const workers of round % 2 === 0 ? WORKERS : WORKERS.toReversed()) {
        await take(`round ${round + 1}, ${load.title}, --workers ${workers}`, async () => {
          const flags = [`--workers=${workers}`];
          const sample = await groups.with((processes) =>
            loop(processes, load, flags, seconds * 1000)
          );
          addSample(results, `${load.title} ${workers}`, sample);
          return `${digits(sample.answersPerSecond)} answers/s`;
        });
      }
    }
  }
  return results;
}

function addSample(results: Rounds, key: string, sample: WaySample | LoopSample): void {
  for (const [name, value] of Object.entries(sample)) results.add(`${key} ${name}`, value);
}

function sectionOf(results: Rounds, { rounds, seconds }: Settings): string {
  function median(key: string, decimals: number): string {
    return digits(results.median(key), decimals);
  }
  const ways = WAYS.map((way) => [
    way,
    ...["one", "many"].flatMap((how) => [
      `${median(`${way} ${how} p50Ms`, 2)} ms`,
      `${median(`${way} ${how} p99Ms`, 2)} ms`,
      median(`${way} ${how} callsPerSecond`, 0),
    ]),
  ]);
  const loops = LOADS.flatMap(({ title }) =>
    WORKERS.map((workers) => {
      const key = `${title} ${workers}`;
      const ratio = results.median(`${key} answersPerSecond`) /
        results.median(`${title} ${WORKERS[0]} answersPerSecond`);
      return [
        title,
        `${workers}`,
        median(`${key} answersPerSecond`, 0),
        digits(ratio, 2),
        `${median(`${key} p50Ms`, 2)} ms`,
        `${median(`${key} p99Ms`, 2)} ms`,
        `${median(`${key} gatewayMicros`, 0)} µs`,
        ["gatewayCores", "stubCores", "generatorCores"]
          .map((name) => median(`${key} ${name}`, 2)).join(" + "),
      ];
    })
  );
  return [
    "## Workers and instances: `deno task bench:cluster`",
    `Medians of ${rounds} ${
      rounds === 1 ? "round" : "rounds"
    }, ${seconds} s a turn, fresh processes ` +
    `in each, ${navigator.hardwareConcurrency} processors for all of it. A CALL of the backend with ` +
    "`Prefer: wait`, from the request to the whole response with the client's answer: to a client of " +
    "the same worker or instance as the caller's connection, and of the other one (`--workers 2`; two " +
    `instances on NATS). One CALL at a time, then ${AT_ONCE} at once.`,
    markdownTable([
      ["", "p50", "p99", "CALLs/s", `p50, ${AT_ONCE} at once`, "p99", "CALLs/s"],
      ...ways,
    ]),
    "`--workers 2` against `--workers 1`. “CPU” is the gateway's for an answer. “Cores busy” is gateway + stub + generator: the " +
    "gateway can use no more than the others leave of the processors.",
    markdownTable([
      ["", "workers", "answers/s", "× 1 worker", "p50", "p99", "CPU", "cores busy"],
      ...loops,
    ]),
    ...(results.troubles.length === 0
      ? []
      : ["Trouble:", results.troubles.map((trouble) => `- ${trouble}`).join("\n")]),
  ].join("\n\n") + "\n";
}

/** The exit code: 0 for a clean run, 1 for any trouble, 2 for flags that ask for none. */
async function main(groups: Groups): Promise<number> {
  const settings = readSettings(Deno.args);
  if ("code" in settings) {
    if (settings.code === 0) writeOut(settings.text);
    else writeErr(`${TASK}: ${settings.text.replace(/^error: /, "")}`);
    return settings.code;
  }
  const results = await measureAll(settings, groups);
  const section = sectionOf(results, settings);
  writeOut(section);
  if (settings.isWritten) await writeResults(TASK, section, {});
  return results.troubles.length === 0 ? 0 : 1;
}

if (import.meta.main) await runTask(TASK, new Groups(), main);
