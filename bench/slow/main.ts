/**
 * What a backend that hangs on some CALLs does to all the others.
 *
 *     deno task bench:slow [--stations N] [--period SECONDS] [--share N] [--hits clients|requests]
 *       [--seconds N] [--before DIR]
 *
 * @module
 */

import { Command, Option } from "commander";
import { Latencies } from "../load/latencies.ts";
import { readCheckout } from "../process/checkout.ts";
import { integer, number, repeatable } from "../process/flags.ts";
import type { Processes } from "../process/processes.ts";
import { runTask } from "../process/task.ts";
import { writeOut } from "../process/text.ts";
import { digits, markdownTable, ms } from "../report/markdown.ts";
import { type Window, WINDOW_S } from "./stations.ts";

/** Open files a process: a socket each in the stations' process and in the gateway. */
const MAX_STATIONS = 18_000;

interface Flags {
  readonly stations: number;
  readonly period: number;
  readonly share: number;
  readonly hits: "clients" | "requests";
  readonly calm: number;
  readonly seconds: number;
  readonly before?: string;
  readonly flag: readonly string[];
}

const command = new Command("bench:slow")
  .description("What a backend that hangs on some CALLs does to those that it does not hang on.")
  .option("--stations <n>", "charging stations", integer(1, MAX_STATIONS), 3000)
  .option("--period <seconds>", "from an answer to the next CALL", number(0.1, 3600), 10)
  .option("--share <n>", "share that is hit", number(0.001, 1), 0.1)
  .addOption(
    new Option("--hits <kind>", "the same clients again and again, or CALLs at random")
      .choices(["clients", "requests"]).default("clients"),
  )
  .option("--calm <seconds>", "before the backend hangs", number(0, 600), 12)
  .option("--seconds <n>", "how long it hangs", integer(1, 600), 60)
  .option("--flag <flag>", "a flag of the gateway, such as --backend-timeout=5s", repeatable, [])
  .option("--before <dir>", "another checkout, whose gateway is taken");

async function main(flags: Flags, processes: Processes): Promise<number> {
  const { stations, period, share, hits, calm, seconds, before, flag } = flags;
  const backend = await processes.startServer(
    ["run", "--config=tests/deno.json", "--allow-net=127.0.0.1", "bench/slow/backend.ts"],
  );
  const checkout = before === undefined ? undefined : await readCheckout(before);
  const gateway = await processes.startGateway(backend, flag, "inherit", checkout);
  const args = [gateway.port, stations, period, share, calm, seconds].map(String);
  const script = processes.start(
    [
      "run",
      "--config=tests/deno.json",
      "--allow-net=127.0.0.1",
      "bench/slow/stations.ts",
      hits,
      ...args,
    ],
  );
  const windows: Window[] = JSON.parse((await script.lines.next()).value);
  writeOut(
    `${stations} stations, a CALL ${digits(period, 1)} s after each answer; the backend hangs on ` +
      `${digits(share * 100, 1)} % of ${hits}. CALLs that are not hit:\n\n`,
  );
  writeOut(`${markdownTable([HEADING, ...windows.map(row), row(all(windows), -1)])}\n`);
  return 0;
}

const HEADING = ["sent after", "CALLs", "p50", "p95", "p99", "longest", "CALLERRORs", "unanswered"];

/** @param i Which window; -1 for all of them. */
function row({ sent, errors, unanswered, latencies }: Window, i: number): string[] {
  const times = Latencies.of([latencies]);
  return [
    i < 0 ? "all" : `${i * WINDOW_S} s`,
    digits(sent),
    ...[50, 95, 99, 100].map((percent) => ms(times.percentile(percent))),
    digits(errors),
    digits(unanswered),
  ];
}

function all(windows: readonly Window[]): Window {
  const sum = (of: (window: Window) => number): number =>
    windows.reduce((total, window) => total + of(window), 0);
  return {
    sent: sum(({ sent }) => sent),
    errors: sum(({ errors }) => errors),
    unanswered: sum(({ unanswered }) => unanswered),
    latencies: Latencies.of(windows.map(({ latencies }) => latencies)).encode(),
  };
}

if (import.meta.main) await runTask(command, main);
