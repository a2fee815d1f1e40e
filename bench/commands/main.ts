/**
 * What a `POST /call` costs that is accepted with 202, without and with an outbox on disk.
 *
 *     deno task bench:commands                                   about 3 minutes
 *     deno task bench:commands --against ../older --rounds 1     another checkout beside it
 *
 * Clients answer at once, so that each CALL goes all of its way: accepted, sent, answered, its outcome
 * posted to the backend. Gateways take turns; each turn has fresh processes. Linux only. A whole run
 * writes its part of bench/RESULTS.md.
 *
 * @module
 */

import { Command } from "commander";
import { join } from "node:path";
import { Caller } from "../cluster/caller.ts";
import { commandAll } from "../cluster/command_all.ts";
import { Results, type Sample } from "../compare/results.ts";
import type { Latencies } from "../load/latencies.ts";
import { Load } from "../load/load.ts";
import { type Checkout, readCheckout } from "../process/checkout.ts";
import { integer, number } from "../process/flags.ts";
import { type Processes, ROOT } from "../process/processes.ts";
import { runTask } from "../process/task.ts";
import { writeOut } from "../process/text.ts";
import { look } from "../process/usage.ts";
import { digits, markdownTable, ms, writeResults } from "../report/markdown.ts";
import { readMachine } from "../report/machine.ts";
import { syncTimes } from "./disk.ts";

const ROUNDS = 3;
const SECONDS = 8;
const WARM_UP_MS = 2000;
/** How many requests are under way at once. */
const AT_ONCE = [1, 16, 64] as const;
/** Each gets a CALL in its turn, so that none has its queue full. */
const CLIENTS = 192;
const CONNECT_MS = 10_000;
const SYNCS = 500;

interface Flags {
  readonly rounds: number;
  readonly seconds: number;
  readonly folder: string;
  readonly against?: string;
  readonly write: boolean;
}

const command = new Command("bench:commands")
  .description("POST /call with 202, without and with --outbox.")
  .option("--rounds <n>", "rounds; the medians count", integer(1, 100), ROUNDS)
  .option("--seconds <n>", "how long each turn counts", number(0.5, 600), SECONDS)
  .option("--folder <dir>", "where the outbox is: on the disk that counts", ROOT)
  .option("--against <dir>", "another checkout, measured beside this one")
  .option("--no-write", "leaves bench/RESULTS.md alone, as fewer rounds or seconds do");

/** A gateway that takes its turn. */
interface Contender {
  readonly label: string;
  readonly checkout: Checkout;
  readonly hasOutbox: boolean;
}

async function contendersOf({ against }: Flags): Promise<Contender[]> {
  const own = await readCheckout(ROOT);
  const contenders = [
    { label: "without", checkout: own, hasOutbox: false },
    { label: "`--outbox`", checkout: own, hasOutbox: true },
  ];
  if (against === undefined) return contenders;
  const checkout = await readCheckout(against);
  return [{ label: against, checkout, hasOutbox: false }, ...contenders];
}

async function measure(
  processes: Processes,
  { checkout, hasOutbox }: Contender,
  folder: string,
  atOnce: number,
  durationMs: number,
): Promise<Sample> {
  const dir = await Deno.makeTempDir({ dir: folder, prefix: "outbox-" });
  try {
    return await processes.with(async (own) => {
      const stub = await own.startStub();
      const flags = hasOutbox ? [`--outbox=${join(dir, "outbox")}`] : [];
      const { port, pid } = await own.startGateway(stub, flags, "inherit", checkout);
      const target = { hostname: "127.0.0.1", port, path: "/" };
      const load = await Load.start(own, [
        { target, prefix: "cp", clients: CLIENTS, rampMs: 0, periodMs: null, maxCalls: 0 },
      ]);
      await load.order("go");
      if (!await load.until(({ open }) => open === CLIENTS, CONNECT_MS)) {
        throw new Error("not all clients were let in");
      }
      const callers = await Promise.all(
        Array.from({ length: atOnce }, (_, i) => Caller.connect(port, `c${i}`)),
      );
      await commandAll(callers, CLIENTS, WARM_UP_MS);
      const [before, startAt] = [await look([pid]), performance.now()];
      const latencies = await commandAll(callers, CLIENTS, durationMs);
      const [after, spentMs] = [await look([pid]), performance.now() - startAt];
      for (const caller of callers) caller.close();
      const cpu = (at: typeof before): number =>
        at.processes[pid]!.userSeconds + at.processes[pid]!.systemSeconds;
      return {
        p50Ms: latencies.percentile(50),
        p99Ms: latencies.percentile(99),
        callsPerSecond: (latencies.count / spentMs) * 1000,
        cpuMicros: (cpu(after) - cpu(before)) / latencies.count * 1e6,
      };
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const keyOf = ({ label }: Contender, atOnce: number): string => `${label}, ${atOnce} at once`;

async function sectionOf(
  results: Results,
  contenders: readonly Contender[],
  { rounds, seconds }: Flags,
  syncs: Latencies,
): Promise<string> {
  const rows = AT_ONCE.flatMap((atOnce) =>
    contenders.map((contender) => {
      const median = (metric: string) => results.median(keyOf(contender, atOnce), metric);
      return [
        String(atOnce),
        contender.label,
        ms(median("p50Ms"), 2),
        ms(median("p99Ms"), 2),
        digits(median("callsPerSecond")),
        `${digits(median("cpuMicros"))} µs`,
      ];
    })
  );
  return [
    "## `POST /call` with 202, without and with an outbox: `deno task bench:commands`",
    `On ${await readMachine()}. Medians of ${rounds} ${rounds === 1 ? "round" : "rounds"}, ` +
    `${seconds} s a turn, fresh processes in each. From the request to the whole 202; the client ` +
    "answers at once, and the backend takes the outcome at once. The processors are shared with the " +
    `callers, the clients and the backend. The disk takes ${
      ms(syncs.percentile(50), 2)
    } (p50) and ` +
    `${ms(syncs.percentile(99), 2)} (p99) for a write of 4 KiB and fdatasync.`,
    markdownTable([["CALLs at once", "outbox", "p50", "p99", "CALLs/s", "CPU a CALL"], ...rows]),
    ...results.troubles.length === 0
      ? []
      : [["Trouble:\n", ...results.troubles.map((trouble) => `- ${trouble}`)].join("\n")],
  ].join("\n\n") + "\n";
}

/** The exit code: 0 for a clean run, 1 for any trouble. */
async function main(flags: Flags, processes: Processes): Promise<number> {
  const { rounds, seconds, folder, against } = flags;
  const contenders = await contendersOf(flags);
  const results = new Results(processes);
  const syncs = await syncTimes(folder, SYNCS);
  for (let round = 0; round < rounds; round++) {
    for (const atOnce of AT_ONCE) {
      for (const contender of contenders) {
        await results.take(round, keyOf(contender, atOnce), "p50Ms", async (own) => ({
          sample: await measure(own, contender, folder, atOnce, seconds * 1000),
        }));
      }
    }
  }
  const section = await sectionOf(results, contenders, flags, syncs);
  writeOut(section);
  const isWhole = rounds >= ROUNDS && seconds >= SECONDS && against === undefined;
  if (flags.write && isWhole) await writeResults("bench:commands", section);
  return results.troubles.length === 0 ? 0 : 1;
}

if (import.meta.main) await runTask(command, main);
