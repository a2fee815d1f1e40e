/**
 * Load on a gateway.
 *
 *     deno task bench:load --clients 64                        closed loop
 *     deno task bench:load --clients 10000 --ramp 20 --period 10   open loop
 *
 * Starts a backend that answers at once, the gateway, and the clients in processes of their own, all
 * on this machine: they share its processors. Linux only for the gateway's memory and CPU time.
 * Ports bound one address to about 28,000 clients, and 20,000 open files the gateway to fewer.
 *
 * @module
 */

import { type ReadSettings, readSettings, type Settings, target } from "./flags.ts";
import { Processes, type Started } from "./processes.ts";
import { isClean, type Result, resultOf, tableOf } from "./report.ts";
import { runTask } from "./task.ts";
import { writeErr, writeOut } from "./text.ts";
import { type FinalReport, type Line, sumOf, type Totals, troubles } from "./totals.ts";
import type { Part } from "./generator.ts";
import { UsageSampler } from "./usage.ts";

/** Shares the clients out evenly. */
function partsOf(settings: Settings, gateway: Part["target"]): Part[] {
  const { clients, processes, periodSeconds } = settings;
  return Array.from({ length: processes }, (_, i) => ({
    target: gateway,
    prefix: `load${i}-`,
    clients: Math.floor((clients * (i + 1)) / processes) - Math.floor((clients * i) / processes),
    rampMs: settings.rampSeconds * 1000,
    durationMs: settings.seconds * 1000,
    periodMs: periodSeconds === null ? null : periodSeconds * 1000,
    payloadBytes: settings.payloadBytes,
  }));
}

/**
 * Reads what a generator says until its final report.
 *
 * @param onTotals Gets its counts about once a second.
 * @param onMeasuring Gets them when the warm-up is over, if there is one.
 * @throws When it ends without one.
 */
export async function follow(
  generator: Started,
  onTotals: (totals: Totals) => void,
  onMeasuring: (totals: Totals) => void = () => {},
): Promise<FinalReport> {
  // Not `for await`: leaving that would cancel the stream and cut the generator's output.
  while (true) {
    const { value, done } = await generator.lines.next();
    if (done === true) throw new Error("a generator ended before its report");
    const line: Line = JSON.parse(value);
    if (line.kind === "progress") onTotals(line.totals);
    if (line.kind === "measuring") onMeasuring(line.totals);
    if (line.kind === "final") {
      onTotals(line.report.totals);
      return line.report;
    }
  }
}

type Interval = ReturnType<typeof setInterval>;

/** A line on standard error each second. */
function showProgress(totals: ReadonlyMap<number, Totals>): Interval {
  const startAt = performance.now();
  let answeredBefore = 0;
  return setInterval(() => {
    const sum = sumOf(totals.values());
    const seconds = ((performance.now() - startAt) / 1000).toFixed(0).padStart(4);
    writeErr(
      `${seconds} s  open ${sum.open}  sent ${sum.sent}  answered ${sum.answered} ` +
        `(+${sum.answered - answeredBefore})  failed ${troubles(sum)}\n`,
    );
    answeredBefore = sum.answered;
  }, 1000);
}

async function measure(settings: Settings, processes: Processes): Promise<Result> {
  let gateway = settings.target;
  let sampler: UsageSampler | undefined;
  if (gateway === null) {
    const backendPort = await processes.startBackend();
    const { pid, url } = await processes.startGateway(backendPort, settings.gatewayFlags);
    gateway = target(url);
    sampler = await UsageSampler.start(pid);
  }
  const generators: Started[] = [];
  for (const part of partsOf(settings, gateway)) {
    generators.push(await processes.startGenerator(part));
  }
  const totals = new Map<number, Totals>();
  const progress = showProgress(totals);
  try {
    for (const generator of generators) await generator.say("go\n");
    const reports = await Promise.all(
      generators.map((generator, i) => follow(generator, (sum) => totals.set(i, sum))),
    );
    // The clients are connected still.
    return resultOf(settings, reports, await sampler?.stop() ?? null);
  } finally {
    clearInterval(progress);
  }
}

/** The exit code: 0 for a clean run, 1 for any trouble, 2 for flags that ask for none. */
async function main(read: ReadSettings, processes: Processes): Promise<number> {
  if (read.kind === "print") {
    writeOut(read.text);
    return 0;
  }
  if (read.kind === "refuse") {
    writeErr(`bench:load: ${read.message}\n`);
    return 2;
  }
  const { jsonFile } = read.settings;
  if (jsonFile !== null) {
    // Asked before the run, not when its results would be lost.
    const { state } = await Deno.permissions.query({ name: "write", path: jsonFile });
    if (state !== "granted") {
      writeErr("bench:load: --json: deno run needs --allow-write for it\n");
      return 2;
    }
  }
  const result = await measure(read.settings, processes);
  writeOut(tableOf(result));
  if (jsonFile !== null) {
    await Deno.writeTextFile(jsonFile, `${JSON.stringify(result, null, 2)}\n`);
  }
  return isClean(result) ? 0 : 1;
}

if (import.meta.main) {
  await runTask("bench:load", new Processes(), (started) => main(readSettings(Deno.args), started));
}
