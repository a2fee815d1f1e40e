/**
 * `deno task simulate [--seed N] [--runs N] [--jobs N] [--trace]`: runs of consecutive seeds, in so many
 * processes. Without a seed it takes one by chance. The first line names it. Of each run that fails it
 * shows the seed, what was broken and the last events; the exit code is 1 then.
 *
 * @module
 */

import process from "node:process";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Outcome, simulate } from "./simulation.ts";

const SEEDS = 2 ** 32;
/** Of one run. */
const FAULTS_SHOWN = 5;
/** Runs that fail and are shown whole. */
const FAILURES_SHOWN = 20;
/** Between two lines that say how far it is. */
const PROGRESS_MS = 60_000;
/** A process gets so many seeds at a time. */
const LOT = 500;

const { values } = parseArgs({
  args: Deno.args,
  options: {
    seed: { type: "string" },
    runs: { type: "string", default: "1" },
    jobs: { type: "string" },
    trace: { type: "boolean", default: false },
    /** Writes one JSON value a line, for the process that began this one. */
    report: { type: "boolean", default: false },
  },
});
const first = numberOf("seed", values.seed ?? String(Math.floor(Math.random() * SEEDS)), 0);
const runs = numberOf("runs", values.runs, 1);
const cores = Math.min(navigator.hardwareConcurrency, Math.ceil(runs / LOT));
const jobs = numberOf("jobs", values.jobs ?? String(values.trace ? 1 : cores), 1);

/** What is known of a run beside its counts when it did not fail. */
type Result = Pick<Outcome, "seed" | "events" | "counts" | "faults" | "lastEvents" | "hash">;

const totals: Record<string, number> = { events: 0 };
const failed: number[] = [];
let done = 0;

if (values.report) {
  for (let i = 0; i < runs; i++) {
    const { seed, events, counts, faults, lastEvents, hash } = await simulate((first + i) % SEEDS);
    const shown = faults.length > 0 ? lastEvents : [];
    print(
      JSON.stringify({ seed, events, counts, faults, lastEvents: shown, hash } satisfies Result),
    );
  }
} else {
  print(`seed ${first}`);
  const begin = performance.now();
  const perSecond = (): string => (done / ((performance.now() - begin) / 1000)).toFixed(0);
  const progress = setInterval(() => {
    print(`${done} of ${runs} runs, ${perSecond()}/s, ${failed.length} failed`);
  }, PROGRESS_MS);
  if (jobs === 1) await runHere();
  else await runInProcesses();
  clearInterval(progress);
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  const sums = Object.entries(totals).map(([name, sum]) => `${sum} ${name}`).join(", ");
  print(`${done} runs in ${seconds} s, ${perSecond()}/s: ${sums}`);
  failed.sort((a, b) => a - b);
  print(failed.length === 0 ? "none failed" : `${failed.length} failed: ${failed.join(" ")}`);
  process.exitCode = failed.length === 0 && done === runs ? 0 : 1;
}

async function runHere(): Promise<void> {
  for (let i = 0; i < runs; i++) {
    const outcome = await simulate((first + i) % SEEDS, {
      print: values.trace ? (line) => print(line) : undefined,
    });
    take(outcome);
    if (runs === 1) print(`hash ${outcome.hash}`);
  }
}

/** Each takes the next lot of seeds when it has done one. */
async function runInProcesses(): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: jobs }, async () => {
    while (next < runs) {
      const from = next;
      next += LOT;
      await runLot((first + from) % SEEDS, Math.min(LOT, runs - from));
    }
  }));
}

async function runLot(seed: number, count: number): Promise<void> {
  const config = fileURLToPath(new URL("../deno.json", import.meta.url));
  const permissions = ["--allow-env=NODE_*,NATS_*", "--allow-read", "--allow-sys"];
  const child = new Deno.Command("deno", {
    args: [
      ...["run", `--config=${config}`, "--no-check", ...permissions, import.meta.filename!],
      ...["--report", `--seed=${seed}`, `--runs=${count}`],
    ],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  for await (const line of createInterface({ input: Readable.fromWeb(child.stdout) })) {
    take(JSON.parse(line) as Result);
  }
  const { code } = await child.status;
  if (code !== 0) print(`the runs from seed ${seed} on ended with code ${code}`);
}

function take(result: Result): void {
  done++;
  for (const [name, number] of Object.entries({ events: result.events, ...result.counts })) {
    totals[name] = (totals[name] ?? 0) + number;
  }
  if (result.faults.length > 0) show(result);
}

function show({ seed, faults, lastEvents }: Result): void {
  failed.push(seed);
  print(`\nseed ${seed} fails; all of it: deno task simulate --seed ${seed} --trace`);
  for (const fault of faults.slice(0, FAULTS_SHOWN)) print(`  ${fault}`);
  if (values.trace || failed.length > FAILURES_SHOWN) return;
  for (const line of lastEvents) print(`    ${line}`);
}

function numberOf(name: string, text: string, least: number): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number < SEEDS) return number;
  print(
    `--${name}: ${text} is not allowed; allowed is a whole number from ${least} to ${SEEDS - 1}`,
  );
  process.exit(2);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
