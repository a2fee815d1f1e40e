/**
 * What stations see of a backend that restarts, and of one that is away for two minutes.
 *
 *     deno task bench:away [--stations N] [--before DIR] [--away SECONDS]
 *
 * @module
 */

import { Command } from "commander";
import { readCheckout } from "../process/checkout.ts";
import { integer, number } from "../process/flags.ts";
import type { Processes } from "../process/processes.ts";
import { runTask } from "../process/task.ts";
import { writeOut } from "../process/text.ts";
import { residentKib } from "../process/usage.ts";
import { RestartingBackend } from "./backend.ts";
import type { Counts } from "./stations.ts";

/** Open files a process: a socket each in the stations' process and in the gateway. */
const MAX_STATIONS = 18_000;
/** All must be in, and have one CALL answered, by then. */
const MAX_MS = 120_000;
const KIB_IN_MIB = 1024;

interface Flags {
  readonly stations: number;
  readonly period: number;
  readonly restart: number;
  readonly away: number;
  readonly blind: number;
  readonly before?: string;
}

const command = new Command("bench:away")
  .description("What stations see of a backend that restarts, and of one that is away for long.")
  .option("--stations <n>", "charging stations", integer(1, MAX_STATIONS), 10_000)
  .option("--period <seconds>", "between two CALLs of a station", number(0.1, 3600), 10)
  .option("--restart <seconds>", "the short outage; 0 for none", number(0, 600), 5)
  .option("--away <seconds>", "the long outage; 0 for none", number(0, 600), 120)
  .option("--blind <share>", "stations that cannot see Retry-After", number(0, 1), 0.5)
  .option("--before <dir>", "another checkout, whose gateway is taken");

/** What the stations have counted, as it comes, and the most memory that the gateway took. */
class Watch {
  counts: Counts | undefined;
  peakUpgrades = 0;
  peakKib = 0;
  #wake: () => void = () => {};

  constructor(lines: AsyncIterable<string>, gatewayPid: number) {
    void this.#read(lines, gatewayPid);
  }

  async #read(lines: AsyncIterable<string>, gatewayPid: number): Promise<void> {
    for await (const line of lines) {
      const counts = JSON.parse(line) as Counts;
      const upgrades = counts.upgrades - (this.counts?.upgrades ?? 0);
      this.peakUpgrades = Math.max(this.peakUpgrades, upgrades);
      this.counts = counts;
      this.peakKib = Math.max(this.peakKib, await residentKib([gatewayPid]));
      this.#wake();
    }
  }

  /** @returns Seconds until it was so. @throws When that takes too long. */
  async until(what: string, test: (counts: Counts) => boolean): Promise<number> {
    const since = performance.now();
    while (this.counts === undefined || !test(this.counts)) {
      if (performance.now() - since > MAX_MS) {
        throw new Error(`not in time: ${what} (${JSON.stringify(this.counts)})`);
      }
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return (performance.now() - since) / 1000;
  }

  forgetPeaks(): void {
    this.peakUpgrades = 0;
    this.peakKib = 0;
  }
}

async function main(flags: Flags, processes: Processes): Promise<number> {
  const { stations, period, blind, restart, away, before } = flags;
  await using backend = new RestartingBackend();
  await backend.start();
  const checkout = before === undefined ? undefined : await readCheckout(before);
  const gateway = await processes.startGateway(backend, [], "inherit", checkout);
  const args = [gateway.port, stations, period, blind].map(String);
  const script = processes.start(
    ["run", "--config=tests/deno.json", "--allow-net=127.0.0.1", "bench/away/stations.ts", ...args],
  );
  const watch = new Watch(script.lines, gateway.pid);
  await watch.until(
    "all are in",
    ({ connected, results }) => connected === stations && results >= 2 * stations,
  );
  for (const [name, seconds] of [["restart", restart], ["away", away]] as const) {
    if (seconds === 0) continue;
    const start = structuredClone(watch.counts!);
    watch.forgetPeaks();
    const [startKib] = [await residentKib([gateway.pid])];
    await backend.stop();
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    const atReturn = structuredClone(watch.counts!);
    const peakAway = watch.peakUpgrades;
    watch.peakUpgrades = 0;
    await backend.start();
    const results = watch.counts!.results;
    const backAfter = await watch.until(
      "all are in again",
      ({ connected }) => connected === stations,
    );
    const servedAfter = backAfter + await watch.until(
      "all are served again",
      ({ results: now }) => now >= results + stations,
    );
    const end = watch.counts!;
    const closed = Object.entries(end.closed)
      .map(([code, count]) => [code, count - (start.closed[code] ?? 0)] as const)
      .filter(([, count]) => count > 0)
      .map(([code, count]) => `${count} with ${code}`);
    if (end.errors > start.errors) writeOut(`one of the CALLERRORs: ${end.lastError}\n`);
    writeOut(
      `${name}, ${seconds} s, ${stations} stations: ${end.errors - start.errors} CALLERRORs, ` +
        `connections closed: ${closed.join(", ") || "none"}\n` +
        `  connected at the return: ${atReturn.connected}; all after ${backAfter.toFixed(0)} s, ` +
        `as many CALLs as stations answered after ${servedAfter.toFixed(0)} s\n` +
        `  upgrades: ${end.upgrades - start.upgrades} (${end.refused - start.refused} refused), ` +
        `at most ${peakAway} a second during the outage, ${watch.peakUpgrades} after it\n` +
        `  gateway's memory: ${(startKib / KIB_IN_MIB).toFixed(0)} MiB before, ` +
        `at most ${(watch.peakKib / KIB_IN_MIB).toFixed(0)} MiB\n`,
    );
  }
  return 0;
}

if (import.meta.main) await runTask(command, main);
