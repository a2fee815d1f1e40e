/**
 * The gateway with several settings of V8, turn by turn, as a Markdown table.
 *
 *     deno task bench:v8                                               about 15 minutes a round
 *     deno task bench:v8 --settings 'none;--max-semi-space-size=32,--min-semi-space-size=16'
 *     deno task bench:v8 --rounds 1 --seconds 2 --only closed-64,many
 *
 * All but the V8 flags is as `deno task start` has it. With `many` clients, each gateway is a fresh one
 * that had no other load, and its resident memory at the end is told: speed is paid with memory there.
 * The gateway has one processor to itself, load and backend the others. Linux only.
 *
 * @module
 */

import { Command } from "commander";
import { startCommand } from "../../tests/support/program.ts";
import { Results } from "../compare/results.ts";
import {
  type Contender,
  keyOf,
  rotated,
  type Scenario,
  start,
  takeRound,
  takeTurn,
} from "../compare/round.ts";
import { LOADS } from "../peers/scenario.ts";
import { integer, listOf, number } from "../process/flags.ts";
import { type Processes, ROOT } from "../process/processes.ts";
import { runTask } from "../process/task.ts";
import { writeOut } from "../process/text.ts";
import { readMachine } from "../report/machine.ts";
import { digits, markdownTable, ms } from "../report/markdown.ts";
import { SETTINGS, settingsOf, withSetting } from "./settings.ts";

/** A process may have 20,000 open files on the machines that this runs on. */
const MAX_CLIENTS = 19_000;
/** A client of many connects each so many milliseconds: what any setting can take. */
const CONNECT_MS = 1;
const BUSY = LOADS.filter(({ name }) => ["closed-64", "closed-1000", "open"].includes(name));
const MANY = "many";
const NAMES = [...BUSY.map(({ name }) => name), MANY];

interface Flags {
  readonly settings: readonly string[];
  readonly rounds: number;
  readonly seconds: number;
  readonly only: readonly string[];
  readonly clients: number;
  readonly json?: string;
}

const command = new Command("bench:v8")
  .description("The gateway with several settings of V8: CPU, answers, waiting, memory.")
  .option(
    "--settings <list>",
    "V8 flags, semicolons between the settings; or none for V8's own",
    settingsOf,
    SETTINGS,
  )
  .option("--rounds <n>", "rounds; the medians count", integer(1, 100), 3)
  .option("--seconds <n>", "how long each turn is measured", number(0.5, 600), 10)
  .option("--only <list>", `situations, of ${NAMES}`, listOf(NAMES), NAMES)
  .option("--clients <n>", "the many, each with a CALL every 10 s", integer(1, MAX_CLIENTS), 15_000)
  .option("--json <file>", "writes the numbers of each turn there");

/** The gateway with a setting. */
function gateway(setting: string): Contender {
  return {
    name: setting,
    label: `\`${setting}\``,
    isPinned: true,
    start: (processes, stub) =>
      processes.startGateway(stub, [], "inherit", {
        dir: ROOT,
        command: withSetting(startCommand(), setting),
      }),
  };
}

/** The exit code: 0 for a clean run, 1 for any trouble. */
async function main(flags: Flags, processes: Processes): Promise<number> {
  const { rounds, seconds, only, clients } = flags;
  const contenders = flags.settings.map(gateway);
  const busy = BUSY.filter(({ name }) => only.includes(name));
  const many = { name: MANY, clients, rampMs: clients * CONNECT_MS, periodMs: 10_000 };
  const results = new Results(processes);
  for (let round = 0; round < rounds; round++) {
    await takeRound(processes, results, round, contenders, busy, seconds * 1000);
    if (!only.includes(MANY)) continue;
    for (const contender of rotated(contenders, round)) {
      await results.take(round, keyOf(many, contender), "residentMb", async (turn) => {
        return await takeTurn(turn, await start(turn, contender), many, seconds * 1000);
      });
    }
  }
  writeOut(`On ${await readMachine()}, Deno ${Deno.version.deno}. `);
  writeOut(`Medians of ${rounds}, ${seconds} s a turn: CPU for one answer, answers/s, p99.\n\n`);
  const titles = [
    ...busy.map((load) => ({ ...load, hasMemory: false })),
    ...only.includes(MANY)
      ? [{ ...many, title: `${digits(clients)} clients, a CALL each 10 s`, hasMemory: true }]
      : [],
  ];
  writeOut(`${tableOf(results, contenders, titles)}\n`);
  for (const trouble of results.troubles) writeOut(`\nTrouble: ${trouble}\n`);
  if (flags.json !== undefined) {
    await Deno.writeTextFile(flags.json, `${JSON.stringify({ flags, results }, null, 2)}\n`);
  }
  return results.troubles.length === 0 ? 0 : 1;
}

/** A row for each setting. */
function tableOf(
  results: Results,
  contenders: readonly Contender[],
  situations: readonly (Scenario & { readonly title: string; readonly hasMemory: boolean })[],
): string {
  const heading = situations.flatMap(({ title, hasMemory }) =>
    hasMemory ? [title, "resident at the end"] : [title]
  );
  const rows = contenders.map((contender) => [
    contender.label,
    ...situations.flatMap((situation) => {
      const median = (metric: string) => results.median(keyOf(situation, contender), metric);
      const cells = [
        `${digits(median("cpuMicros"), 1)} µs, ${digits(median("answersPerSecond"))}/s, ` +
        ms(median("p99Ms")),
      ];
      return situation.hasMemory ? [...cells, `${digits(median("residentMb"))} MB`] : cells;
    }),
  ]);
  return markdownTable([["V8 flags", ...heading], ...rows]);
}

if (import.meta.main) await runTask(command, main);
