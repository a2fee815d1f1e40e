/**
 * What it costs to keep an accepted CALL: in memory, on disk, and in JetStream with one server and three.
 *
 *     deno task bench:outbox store        the store alone, beside what the disk itself takes
 *     deno task bench:outbox gateway      POST /call with 202 over a whole gateway
 *     deno task bench:outbox heirs        what is left by a process that was killed, taken over
 *
 * Some minutes each. Outboxes take turns; each turn has fresh processes. A whole run writes its part of
 * bench/RESULTS.md. Linux only; needs nats-server.
 *
 * @module
 */

import { Argument, Command } from "commander";
import { syncTimes } from "../commands/disk.ts";
import { Results } from "../compare/results.ts";
import { integer, listOf, number } from "../process/flags.ts";
import { type Processes, ROOT } from "../process/processes.ts";
import { runTask } from "../process/task.ts";
import { writeOut } from "../process/text.ts";
import { readMachine } from "../report/machine.ts";
import { ms, writeResults } from "../report/markdown.ts";
import { gatewaySection, measureGateways } from "./gateway.ts";
import { heirSection, measureHeirs } from "./heirs.ts";
import { KINDS } from "./kinds.ts";
import { measureStores, storeSection } from "./store.ts";

const ROUNDS = 3;
const SECONDS = 2;
const SYNCS = 500;
const NAMES = ["memory", "sqlite", "nats1", "nats3"];
const PARTS = ["store", "gateway", "heirs"] as const;

type Part = typeof PARTS[number];

interface Flags {
  readonly rounds: number;
  readonly seconds: number;
  readonly folder: string;
  readonly only: readonly string[];
  readonly write: boolean;
}

let part: Part = "store";
const command = new Command("bench:outbox")
  .description("What it costs to keep an accepted CALL: memory, disk, JetStream.")
  .addArgument(new Argument("<part>", "what is measured").choices(PARTS))
  .option("--rounds <n>", "rounds; the medians count", integer(1, 100), ROUNDS)
  .option("--seconds <n>", "how long each figure is taken for", number(0.5, 600), SECONDS)
  .option("--folder <dir>", "where the outboxes are: on the disk that counts", ROOT)
  .option("--only <list>", `which of ${NAMES.join()}`, listOf(NAMES), NAMES)
  .option("--no-write", "leaves bench/RESULTS.md alone, as a run that is not whole does")
  .hook("preAction", (_, { args }) => void (part = args[0] as Part))
  .action(() => {});

/** The exit code: 0 for a clean run, 1 for any trouble. */
async function main(flags: Flags, processes: Processes): Promise<number> {
  const { rounds, folder, only } = flags;
  const results = new Results(processes);
  const machine = await readMachine();
  const section = await sectionOf(results, machine, {
    ...flags,
    folder,
    kinds: KINDS.filter((_, i) => only.includes(NAMES[i]!)),
  });
  writeOut(section);
  const isWhole = rounds >= ROUNDS && flags.seconds >= SECONDS && only.length === NAMES.length;
  if (flags.write && isWhole && results.troubles.length === 0) {
    await writeResults(`bench:outbox ${part}`, section);
  }
  return results.troubles.length === 0 ? 0 : 1;
}

async function sectionOf(
  results: Results,
  machine: string,
  options: Flags & { readonly kinds: typeof KINDS },
): Promise<string> {
  switch (part) {
    case "store": {
      const syncs = await syncTimes(options.folder, SYNCS);
      await measureStores(results, options);
      const [p50, p99] = [50, 99].map((share) => ms(syncs.percentile(share), 2));
      const disk = `The disk takes ${p50} (p50) and ${p99} (p99) for 4 KiB and fdatasync.`;
      return storeSection(results, options, machine, disk);
    }
    case "gateway":
      await measureGateways(results, options);
      return gatewaySection(results, options, machine);
    case "heirs": {
      const heirs = { ...options, kinds: options.kinds.filter(({ servers }) => servers > 0) };
      await measureHeirs(results, heirs);
      return heirSection(results, heirs, machine);
    }
  }
}

if (import.meta.main) await runTask(command, main);
