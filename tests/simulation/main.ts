/**
 * `deno task simulate [--seed N] [--runs N] [--trace]`: runs of consecutive seeds. Without a seed it takes
 * one by chance. The first line names it. Of each run that fails it shows the seed, what was broken and
 * the last events; the exit code is 1 then.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { type Outcome, simulate } from "./simulation.ts";

const SEEDS = 2 ** 32;
/** Of one run. */
const FAULTS_SHOWN = 5;

const { values } = parseArgs({
  args: Deno.args,
  options: {
    seed: { type: "string" },
    runs: { type: "string", default: "1" },
    trace: { type: "boolean", default: false },
  },
});
const first = numberOf("seed", values.seed ?? String(Math.floor(Math.random() * SEEDS)), 0);
const runs = numberOf("runs", values.runs, 1);
print(`seed ${first}`);

const begin = performance.now();
const totals: Record<string, number> = { events: 0 };
const failed: number[] = [];
for (let i = 0; i < runs; i++) {
  const outcome = await simulate((first + i) % SEEDS, {
    print: values.trace ? (line) => print(line) : undefined,
  });
  count(outcome);
  if (outcome.faults.length > 0) show(outcome);
  if (runs === 1) print(`hash ${outcome.hash}`);
}
const seconds = (performance.now() - begin) / 1000;
const sums = Object.entries(totals).map(([name, sum]) => `${sum} ${name}`).join(", ");
print(`${runs} runs in ${seconds.toFixed(1)} s, ${(runs / seconds).toFixed(0)}/s: ${sums}`);
print(failed.length === 0 ? "none failed" : `failed: ${failed.join(" ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;

function count({ events, counts }: Outcome): void {
  for (const [name, number] of Object.entries({ events, ...counts })) {
    totals[name] = (totals[name] ?? 0) + number;
  }
}

function show({ seed, faults, lastEvents }: Outcome): void {
  failed.push(seed);
  print(`\nseed ${seed} fails; all of it: deno task simulate --seed ${seed} --trace`);
  for (const fault of faults.slice(0, FAULTS_SHOWN)) print(`  ${fault}`);
  if (values.trace) return;
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
