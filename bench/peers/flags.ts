/**
 * The flags of the comparison.
 *
 * @module
 */

import { Command, InvalidArgumentError } from "commander";
import { parseFlags, type Unfit } from "../load/command.ts";
import { integer, number } from "../load/flags.ts";
import { type Contender, CONTENDERS } from "./contender.ts";
import { type Scenario, scenarios } from "./scenario.ts";

/** What to run. */
export interface Settings {
  readonly rounds: number;
  readonly seconds: number;
  readonly scenarios: readonly Scenario[];
  readonly contenders: readonly Contender[];
  /** Whether RESULTS.md and the chart are written: only a whole comparison may replace one. */
  readonly isWritten: boolean;
  readonly jsonFile: string | null;
}

export type ReadSettings = { readonly kind: "run"; readonly settings: Settings } | Unfit;

/** A process may have 20,000 open files on the machines that this runs on. */
const MAX_IDLE_CLIENTS = 19_000;

/**
 * Reads the command line. Pure; never throws for bad input.
 *
 * @param args The arguments behind the program's name.
 */
export function readSettings(args: readonly string[]): ReadSettings {
  const scenarioNames = scenarios(1).map(({ name }) => name);
  const contenderNames = CONTENDERS.map(({ name }) => name);
  const command = new Command("bench:peers")
    .description("The gateway against bridges for Node, turn by turn on one machine.")
    .option("--rounds <n>", "rounds; the medians count", integer(1, 100), 5)
    .option("--seconds <n>", "how long each turn sends, or is idle", number(0.5, 600), 10)
    .option("--only <list>", `scenarios, of ${scenarioNames}`, listOf(scenarioNames))
    .option("--contenders <list>", `of ${contenderNames}`, listOf(contenderNames))
    .option("--idle-clients <n>", "for the memory", integer(1, MAX_IDLE_CLIENTS), 15_000)
    .option("--json <file>", "writes the numbers of each turn there")
    .option(
      "--no-write",
      "leaves bench/RESULTS.md and the chart alone, as --only and --contenders do",
    );
  const unfit = parseFlags(command, args);
  if (unfit !== null) return unfit;
  const given = command.opts<{
    rounds: number;
    seconds: number;
    only?: readonly string[];
    contenders?: readonly string[];
    idleClients: number;
    json?: string;
    write: boolean;
  }>();
  const { only = scenarioNames, contenders = contenderNames } = given;
  return {
    kind: "run",
    settings: {
      rounds: given.rounds,
      seconds: given.seconds,
      scenarios: scenarios(given.idleClients).filter(({ name }) => only.includes(name)),
      contenders: CONTENDERS.filter(({ name }) => contenders.includes(name)),
      isWritten: given.write && given.only === undefined && given.contenders === undefined,
      jsonFile: given.json ?? null,
    },
  };
}

function listOf(names: readonly string[]): (text: string) => readonly string[] {
  return (text) => {
    const list = text.split(",");
    if (list.every((name) => names.includes(name))) return list;
    throw new InvalidArgumentError(`Allowed are ${names.join(", ")}, with commas between them.`);
  };
}
