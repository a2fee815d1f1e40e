/**
 * What becomes of accepted CALLs when a gateway or a NATS server is lost, or the way between them.
 *
 *     deno task bench:loss                                50 rounds, some 25 minutes
 *     deno task bench:loss --rounds 3 --only cut --outbox none
 *
 * Three NATS servers with JetStream and three gateways run as programs, stations and the backend in this
 * process. Ends with 1 when a rule is broken; what all of them said is in a file then. Linux only; needs
 * `nats-server`.
 *
 * @module
 */

import { Command, Option } from "commander";
import { integer, listOf, number, repeatable } from "../process/flags.ts";
import type { Processes } from "../process/processes.ts";
import { runTask } from "../process/task.ts";
import { writeErr, writeOut } from "../process/text.ts";
import { readMachine } from "../report/machine.ts";
import { twiceOf } from "./judge.ts";
import { type Kind, KINDS, lossOf } from "./losses.ts";
import { historyOf, lineOf, storyOf, tableOf } from "./report.ts";
import { type Round, runRound } from "./round.ts";
import { Traffic } from "./traffic.ts";
import { World } from "./world.ts";

const JOURNAL = "loss-journal.txt";
/** What hangs and goes on as if nothing had been, and what is stopped with care, is asked for by name. */
const DEFAULT_KINDS: readonly Kind[] = ["gateway", "server", "cut"];
/** Of a round, in milliseconds. */
const TIMES = { boundMs: 15_000, beforeMs: 4000, afterMs: 12_000, mendedMs: 2000 };
/** Told of each round: more of them say no more. */
const MAX_STORIES = 10;

interface Flags {
  readonly rounds: number;
  readonly stations: number;
  readonly rate: number;
  readonly only: readonly Kind[];
  readonly outbox: string;
  readonly callTimeout: number;
  readonly cut: number;
  readonly gatewayFlag: readonly string[];
  readonly journal?: string;
}

const command = new Command("bench:loss")
  .description("Accepted CALLs when a gateway or a NATS server is lost, or the way between them.")
  .option("--rounds <n>", "losses, one after the other", integer(1, 1000), 50)
  .option("--stations <n>", "charging stations", integer(1, 5000), 300)
  .option("--rate <n>", "CALLs to them in a second", number(1, 1000), 60)
  .option("--only <list>", `what is lost, of ${KINDS}`, listOf(KINDS), DEFAULT_KINDS)
  .addOption(
    new Option("--outbox <where>", "where gateways keep what they accepted")
      .choices(["nats", "none"]).default("nats"),
  )
  .option("--call-timeout <seconds>", "that of the gateways", number(1, 60), 3)
  .option("--cut <seconds>", "the longest cut", number(3, 60), 20)
  .option("--gateway-flag <flag>", "a flag for the gateways; repeatable", repeatable, [])
  .option("--journal <file>", `for what all said; else ${JOURNAL} when a rule is broken`);

/** The exit code: 0 when all rules were kept. */
async function main(flags: Flags, processes: Processes): Promise<number> {
  const { only, outbox, gatewayFlag } = flags;
  const callTimeoutMs = flags.callTimeout * 1000;
  const gatewayFlags = [...outbox === "none" ? [] : [`--outbox=${outbox}`], ...gatewayFlag];
  await using world = await World.start(processes, {
    stations: flags.stations,
    callTimeoutMs,
    gatewayFlags,
  });
  const traffic = new Traffic(world.books, world.stations.ids, () => world.doors, flags.rate);
  const rounds: (Round & { kind: Kind })[] = [];
  const { journal = JOURNAL } = flags;
  let isBroken = false;
  for (let i = 0; i < flags.rounds; i++) {
    const kind = only[i % only.length]!;
    const loss = lossOf(kind, world, flags.cut * 1000);
    const round = await runRound(world, traffic, loss, { ...TIMES, callTimeoutMs });
    writeErr(`${i + 1}. ${lineOf(round)}\n`);
    for (const call of twiceOf(world.books)) world.journal.note("twice", historyOf(call));
    try {
      await world.whole();
    } catch (error) {
      await Deno.writeTextFile(journal, world.journal.text);
      throw error;
    }
    const left = await world.left();
    const broken = [
      ...round.verdict.broken,
      ...left === undefined ? [] : [{ rule: left, calls: [] }],
    ];
    rounds.push({ ...round, verdict: { ...round.verdict, broken }, kind });
    for (const each of broken.slice(0, MAX_STORIES)) {
      const story = storyOf(each);
      world.journal.note("broken", story);
      writeErr(`   ${story}\n`);
    }
    if (broken.length > MAX_STORIES) writeErr(`   and ${broken.length - MAX_STORIES} more\n`);
    isBroken ||= broken.length > 0;
    if (broken.length > 0 || flags.journal !== undefined) {
      await Deno.writeTextFile(journal, world.journal.text);
    }
  }
  writeOut(`On ${await readMachine()}, outbox ${outbox}, ${flags.stations} stations.\n\n`);
  writeOut(`${tableOf(rounds)}\n`);
  const { restarted } = world.servers;
  if (restarted > 0) writeOut(`\nNATS servers that did not catch up by themselves: ${restarted}\n`);
  if (isBroken) writeOut(`\nRules were broken: ${journal} has what all said.\n`);
  traffic.close();
  return isBroken ? 1 : 0;
}

if (import.meta.main) await runTask(command, main);
