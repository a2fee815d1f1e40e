/**
 * 120,000 clients on one machine.
 *
 *     deno task bench:120k                                         the whole, about 8 minutes
 *     deno task bench:120k --clients 5000 --ramp 5 --period 5 --hold 10
 *     deno task bench:120k --only full
 *
 * Several gateways share a port and NATS; as many generators, a stub backend and the NATS server run
 * beside them. Linux only; needs `nats-server`, and the generators `--allow-ffi`. A whole run writes
 * its part of bench/RESULTS.md and bench/cluster/headline.svg.
 *
 * @module
 */

import { Command } from "commander";
import { Load, partsOf } from "../load/load.ts";
import { measure, troubleOf } from "../load/measure.ts";
import { integer, listOf, number, repeatable } from "../process/flags.ts";
import type { Processes, Server } from "../process/processes.ts";
import { runTask } from "../process/task.ts";
import { writeErr, writeOut } from "../process/text.ts";
import { writeResults } from "../report/markdown.ts";
import { whatIsMissing } from "./limits.ts";
import { pictureOf, type Run, type Scenario, sectionOf, titleOf } from "./report.ts";

const CLIENTS = 120_000;
const HOLD_SECONDS = 60;
const GATEWAYS = 7;
const SCENARIOS: readonly Scenario[] = [
  { name: "calm", rampSeconds: 60, periodSeconds: 20 },
  { name: "full", rampSeconds: 30, periodSeconds: 10 },
  { name: "full-ws", rampSeconds: 30, periodSeconds: 10, flag: "--websocket=ws" },
];
const NAMES = SCENARIOS.map(({ name }) => name);

interface Flags {
  readonly clients: number;
  readonly hold: number;
  readonly gateways: number;
  readonly only: readonly string[];
  readonly ramp?: number;
  readonly period?: number;
  readonly reusePort: boolean;
  readonly gatewayFlag: readonly string[];
  readonly json?: string;
  readonly write: boolean;
}

const command = new Command("bench:120k")
  .description("120,000 clients on several gateways, which share a port and NATS.")
  .option("--clients <n>", "WebSocket clients", integer(1, 1_000_000), CLIENTS)
  .option("--hold <seconds>", "how long all of them stay", number(1, 3600), HOLD_SECONDS)
  .option("--gateways <n>", "gateways, and as many generators", integer(1, 64), GATEWAYS)
  .option("--only <list>", `scenarios, of ${NAMES}`, listOf(NAMES), NAMES)
  .option("--ramp <seconds>", "in place of the scenario's", number(0.1, 3600))
  .option("--period <seconds>", "in place of the scenario's", number(0.1, 3600))
  .option("--no-reuse-port", "a port for each gateway")
  .option(
    "--gateway-flag <flag>",
    "a flag for the gateways, such as --gateway-flag=--ping-interval=0s; repeatable",
    repeatable,
    [],
  )
  .option("--json <file>", "writes the numbers there")
  .option("--no-write", "leaves bench/RESULTS.md and the chart alone, as a part of the whole does");

/** Starts everybody and runs one scenario. */
async function run(processes: Processes, scenario: Scenario, flags: Flags): Promise<Run> {
  const nats = await processes.startNats();
  const stub = await processes.startStub();
  const gateways: Server[] = [];
  for (let i = 0; i < flags.gateways; i++) {
    const own = [
      `--nats=nats://127.0.0.1:${nats.port}`,
      // A gateway has a third of a processor here. What waits longer than a second in it keeps the
      // garbage collector busy, so that it would never catch up again.
      "--max-waiting=1500",
      ...flags.reusePort ? ["--reuse-port", `--listen=127.0.0.1:${gateways[0]?.port ?? 0}`] : [],
    ];
    const { flag } = scenario;
    const asked = [...flag === undefined ? [] : [flag], ...flags.gatewayFlag];
    gateways.push(await processes.startGateway(stub, [...own, ...asked]));
  }
  const rampMs = scenario.rampSeconds * 1000;
  const whole = {
    target: { hostname: "127.0.0.1", port: 0, path: "/" },
    prefix: "load",
    clients: flags.clients,
    rampMs,
    periodMs: Math.round(scenario.periodSeconds * 1000),
    // The processors are the gateways'; what it costs in time is told.
    gatherMs: 1,
  };
  const parts = partsOf(whole, flags.gateways)
    .map((part, i) => ({ ...part, target: { ...part.target, port: gateways[i]!.port } }));
  const load = await Load.start(processes, parts);
  const pids = {
    gateways: gateways.map(({ pid }) => pid),
    generators: load.pids,
    stub: [stub.pid],
    NATS: [nats.pid],
  };
  const outcome = await measure(load, {
    rampMs,
    warmUpMs: 0,
    holdMs: flags.hold * 1000,
    pids: Object.values(pids).flat(),
    memoryOf: pids.gateways,
    isShown: true,
  });
  return { scenario, outcome, pids };
}

/** The exit code: 0 for a clean run, 1 for any trouble. */
async function main(flags: Flags, processes: Processes): Promise<number> {
  const missing = await whatIsMissing(flags.clients, flags.gateways);
  if (missing !== null) throw new Error(missing);
  const runs: Run[] = [];
  for (const { name, ...rest } of SCENARIOS.filter(({ name }) => flags.only.includes(name))) {
    const { ramp = rest.rampSeconds, period = rest.periodSeconds } = flags;
    const scenario = { ...rest, name, rampSeconds: ramp, periodSeconds: period };
    writeErr(`${flags.clients} clients, ${titleOf(scenario)}\n`);
    runs.push(await processes.with((own) => run(own, scenario, flags)));
    // With both numbers given the scenarios are the same one.
    if (flags.ramp !== undefined && flags.period !== undefined) break;
  }
  const section = sectionOf(runs, flags.gateways, flags.hold);
  writeOut(section);
  if (flags.json !== undefined) {
    await Deno.writeTextFile(flags.json, `${JSON.stringify({ flags, runs }, null, 2)}\n`);
  }
  const isWhole = flags.clients === CLIENTS && flags.hold === HOLD_SECONDS &&
    flags.gateways === GATEWAYS && flags.only === NAMES && flags.ramp === undefined &&
    flags.period === undefined && flags.reusePort && flags.gatewayFlag.length === 0;
  if (flags.write && isWhole) {
    await writeResults("bench:120k", section, { "cluster/headline.svg": pictureOf(runs) });
  }
  return runs.every(({ outcome }) => troubleOf(outcome) === null) ? 0 : 1;
}

if (import.meta.main) await runTask(command, main);
