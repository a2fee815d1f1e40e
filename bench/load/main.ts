/**
 * Load on a gateway.
 *
 *     deno task bench:load --clients 64                            closed loop
 *     deno task bench:load --clients 10000 --ramp 20 --period 10   open loop
 *
 * Starts a backend that answers at once, the gateway, and the clients in processes of their own, all
 * on this machine: they share its processors. Linux only. The generator processes need `--allow-ffi`.
 * The 20,000 files that a process may open bound the clients of one gateway.
 *
 * @module
 */

import { Command } from "commander";
import { integer, number, repeatable, target } from "../process/flags.ts";
import type { Processes } from "../process/processes.ts";
import { runTask } from "../process/task.ts";
import { writeOut } from "../process/text.ts";
import { digits, ms } from "../report/markdown.ts";
import type { Latencies } from "./latencies.ts";
import { Load, partsOf } from "./load.ts";
import { coresOf, cpuOf, measure, microsOf, type Outcome, troubleOf } from "./measure.ts";
import type { Target } from "./part.ts";
import { unanswered } from "./tally.ts";

/** A process may have 20,000 open files on the machines that this runs on. */
const MAX_CLIENTS_PER_PROCESS = 15_000;
const WARM_UP_MS = 2000;

interface Flags {
  readonly clients: number;
  readonly seconds: number;
  readonly ramp: number;
  readonly period?: number;
  readonly processes: number;
  readonly payload: number;
  readonly url?: Target;
  readonly gatewayFlag: readonly string[];
  readonly json?: string;
}

const command = new Command("bench:load")
  .description("Load on a gateway: clients that send CALLs, and how long their answers take.")
  .option("--clients <n>", "WebSocket clients", integer(1, 1_000_000), 64)
  .option("--seconds <n>", "how long to measure, after ramp and warm-up", number(0.1, 86_400), 10)
  .option("--ramp <seconds>", "time in which the clients connect", number(0, 3600), 1)
  .option(
    "--period <seconds>",
    "each client sends a CALL that often (open loop); without it the next CALL goes out when the " +
      "answer to the last one is there (closed loop)",
    number(0.001, 86_400),
  )
  .option("--processes <n>", "generator processes", integer(1, 64), 1)
  .option("--payload <bytes>", "length of the payload's string", integer(0, 16 * 1024 ** 2), 0)
  .option("--url <url>", "a gateway that runs already, such as ws://127.0.0.1:4000/", target)
  .option(
    "--gateway-flag <flag>",
    "a flag for the gateway, such as --gateway-flag=--max-queue=4; repeatable",
    repeatable,
    [],
  )
  .option("--json <file>", "writes the results there");

/** Whose processes it started. */
type Pids = Readonly<Record<"gateway" | "stub" | "generators", readonly number[]>>;

/** The exit code: 0 for a clean run, 1 for any trouble. */
async function main(flags: Flags, processes: Processes): Promise<number> {
  if (flags.clients > flags.processes * MAX_CLIENTS_PER_PROCESS) {
    command.error(`--processes: a process holds at most ${MAX_CLIENTS_PER_PROCESS} clients`);
  }
  if (flags.url !== undefined && flags.gatewayFlag.length > 0) {
    command.error("--gateway-flag: --url is a gateway that runs already");
  }
  let to = flags.url;
  let gateway: readonly number[] = [];
  let stub: readonly number[] = [];
  if (to === undefined) {
    const backend = await processes.startStub();
    const { pid, port } = await processes.startGateway(backend, flags.gatewayFlag);
    gateway = [pid];
    stub = [backend.pid];
    to = { hostname: "127.0.0.1", port, path: "/" };
  }
  const rampMs = flags.ramp * 1000;
  const whole = {
    target: to,
    prefix: "load",
    clients: flags.clients,
    rampMs,
    periodMs: flags.period === undefined ? null : Math.max(1, Math.round(flags.period * 1000)),
    payloadBytes: flags.payload,
  };
  const load = await Load.start(
    processes,
    partsOf(whole, Math.min(flags.processes, flags.clients)),
  );
  const outcome = await measure(load, {
    rampMs,
    warmUpMs: WARM_UP_MS,
    holdMs: flags.seconds * 1000,
    pids: [...gateway, ...stub],
    memoryOf: gateway,
    isShown: true,
  });
  writeOut(tableOf(flags, outcome, { gateway, stub, generators: load.pids }));
  if (flags.json !== undefined) {
    await Deno.writeTextFile(flags.json, `${JSON.stringify({ flags, outcome }, null, 2)}\n`);
  }
  return troubleOf(outcome) === null ? 0 : 1;
}

/** The table for people: a name and what belongs to it on each line. */
function tableOf(flags: Flags, outcome: Outcome, pids: Pids): string {
  const { totals, connect, roundTrip, lateness, memory, reasons } = outcome;
  const loop = flags.period === undefined
    ? "closed loop"
    : `open loop, a CALL every ${flags.period} s`;
  function percentiles(latencies: Latencies, percents: readonly number[]): string {
    return percents.map((each) => `p${each} ${ms(latencies.percentile(each), 2)}`).join("  ");
  }
  function cpu(pids: readonly number[]): number {
    return cpuOf(outcome, pids).both;
  }
  const rows: [string, string][] = [
    ["load", `${loop}, payload ${flags.payload} B, ${flags.seconds} s behind ramp and warm-up`],
    ["clients", `${totals.opened} opened, ${totals.failed} failed, ${totals.lost} lost`],
    ["CALLs", `${totals.sent} sent, ${totals.answered} answered, ${totals.errors} errors`],
    ["", `${unanswered(totals)} unanswered, ${totals.bad} bad`],
    ["answers/s", outcome.answersPerSecond.toFixed(0)],
    ["connect", percentiles(connect, [50, 99])],
    [
      "round trip",
      `${percentiles(roundTrip, [50, 90, 99, 99.9])}  max ${ms(roundTrip.percentile(100), 2)}`,
    ],
  ];
  if (lateness.count > 0) {
    rows.push(["of it late", `${percentiles(lateness, [50, 99])} (generator)`]);
  }
  if (memory !== null) {
    const { emptyKib, endKib, maxKib } = memory;
    rows.push(
      ["gateway RSS", `${mib(emptyKib)} before, ${mib(endKib)} at the end, ${mib(maxKib)} at most`],
      ["", `${digits((endKib - emptyKib) / totals.opened, 1)} KiB more for each client`],
      ["gateway CPU", `${digits(microsOf(outcome, cpu(pids.gateway)))} µs an answer`],
    );
  }
  const cores = [pids.gateway, pids.stub, pids.generators]
    .map((each) => digits(coresOf(outcome, cpu(each)), 2)).join(" + ");
  rows.push(["cores busy", `${cores} (gateway + stub + generators)`]);
  for (const reason of reasons) rows.push(["trouble", reason]);
  return rows.map(([name, text]) => `${name.padEnd(12)} ${text}\n`).join("");
}

function mib(kib: number): string {
  return `${digits(kib / 1024, 1)} MiB`;
}

if (import.meta.main) await runTask(command, main);
