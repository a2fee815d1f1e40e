/**
 * Runs the tests: `deno task test [FLAG …] [PATH …]`, or with `--quick` before all else only those
 * that are quick: `deno task test:quick`. Flags are given to `deno test`. Without a path all tests
 * are run.
 *
 * At the end it says which tests were left out for want of a program or an address, and sums up in
 * Deno's own form what its runs came to.
 *
 * @module
 */

import { relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { LEFT_OUT_FILE, type LeftOut, sourceOf } from "./support/needs.ts";
import { NO_NAME } from "./support/no_name.ts";
import { FEW_RUNS } from "./support/runs.ts";

/** What the tests may do. */
const PERMISSIONS = [
  `--allow-net=127.0.0.1,127.0.0.2,[::1],0.0.0.0,[::],${NO_NAME}:8080`,
  ...["--allow-env", "--allow-read", "--allow-write", "--allow-sys", "--allow-run"],
];

/**
 * What is not quick: whole gateways, processes, other programs, attacks, and what waits for real
 * time. All else is.
 */
const SLOW =
  /^tests\/(attack|cluster\/nats|e2e|examples|status)\/|^tests\/(worker\/death|outbox\/jetstream\/(cluster|contract|jetstream_ledger|rights))_test\.ts$/;

/** What looks at the memory of its whole process, in which nothing else may go on. */
const ALONE = /^tests\/(attack\/fuzz|\w+\/terminate)_test\.ts$/;

/** What one run of `deno test` came to. */
interface Outcome {
  readonly isGood: boolean;
  readonly counts: Readonly<Record<Count, number>>;
}

type Count = "passed" | "passed steps" | "failed" | "failed steps" | "ignored" | "ignored steps";

const NOTHING: Outcome["counts"] = {
  ...{ "passed": 0, "passed steps": 0, "failed": 0, "failed steps": 0 },
  ...{ "ignored": 0, "ignored steps": 0 },
};

const ROOT = fileURLToPath(new URL("../", import.meta.url));

const isQuick = Deno.args[0] === "--quick";
const args = isQuick ? Deno.args.slice(1) : Deno.args;
const begin = performance.now();
/** Whether somebody wants it to end. */
let wasStopped = false;
Deno.chdir(ROOT);
const leftOutFile = Deno.makeTempFileSync({ prefix: "ws2api-left-out-" });
try {
  const outcomes: Outcome[] = [];
  const runs = runsFor(args);
  for (const run of runs) {
    if (!wasStopped) outcomes.push(await test(run, leftOutFile));
  }
  const lines = [...leftOut(Deno.readTextFileSync(leftOutFile)), "", closingLine(outcomes), ""];
  if (runs.length === 0) lines.unshift(`no ${isQuick ? "quick " : ""}tests at ${args.join(" ")}`);
  await write(lines.join("\n"));
  Deno.exitCode = isGood(outcomes) ? 0 : 1;
} finally {
  Deno.removeSync(leftOutFile);
}

/** The arguments of each run of `deno test`. */
function runsFor(args: readonly string[]): string[][] {
  const paths = args.filter((arg) => !arg.startsWith("-") && exists(arg));
  const flags = args.filter((arg) => !paths.includes(arg));
  // As the rules below name them.
  const named = paths.map((path) => relative(ROOT, resolve(path)));
  const files = (named.length === 0 ? ["tests"] : named).flatMap(testsAt)
    .filter((file) => !isQuick || !SLOW.test(file));
  const together = files.filter((file) => !ALONE.test(file));
  const alone = files.filter((file) => ALONE.test(file));
  // What its comments hold is run too.
  if (paths.length === 0 && !isQuick) together.push("lib");
  const common = [...PERMISSIONS, ...flags, ...(isQuick ? ["--no-check"] : [])];
  return [
    ...(together.length > 0 ? [["--doc", "--parallel", ...common, ...together]] : []),
    ...(alone.length > 0 ? [[...common, ...alone]] : []),
  ];
}

/** Runs `deno test` and shows what it writes. */
async function test(args: readonly string[], leftOutFile: string): Promise<Outcome> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "--config=tests/deno.json", ...args],
    env: {
      // Most of them wait most of the time.
      DENO_JOBS: Deno.env.get("DENO_JOBS") ??
        String(Math.min(8, 2 * navigator.hardwareConcurrency)),
      [LEFT_OUT_FILE]: leftOutFile,
      ...(isQuick ? { [FEW_RUNS]: "1" } : {}),
      ...(Deno.stdout.isTerminal() && Deno.env.get("NO_COLOR") === undefined
        ? { FORCE_COLOR: "1" }
        : {}),
    },
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const end = (): void => {
    wasStopped = true;
    child.kill("SIGTERM");
  };
  // A terminal tells the child itself; this one has to stay until that has ended.
  const stay = (): void => void (wasStopped = true);
  Deno.addSignalListener("SIGTERM", end);
  Deno.addSignalListener("SIGINT", stay);
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of child.stdout) {
    await write(chunk);
    text += decoder.decode(chunk, { stream: true });
  }
  const { success } = await child.status;
  Deno.removeSignalListener("SIGTERM", end);
  Deno.removeSignalListener("SIGINT", stay);
  const counts = countsIn(text);
  return { isGood: success && counts !== undefined, counts: counts ?? NOTHING };
}

/** What Deno's closing line says: `ok | 12 passed (3 steps) | 0 failed | 1 ignored (1s)`. */
function countsIn(text: string): Outcome["counts"] | undefined {
  // deno-lint-ignore no-control-regex
  const plain = text.replaceAll(/\x1b\[[\d;]*m/g, "");
  const line = plain.match(/^(?:ok|FAILED) \| \d+ passed.*$/gm)?.at(-1);
  if (line === undefined) return undefined;
  const counts = { ...NOTHING };
  for (
    const [, count, kind, steps] of line.matchAll(
      /(\d+) (passed|failed|ignored)(?: \((\d+) step)?/g,
    )
  ) {
    counts[kind as Count] = Number(count);
    counts[`${kind} steps` as Count] = Number(steps ?? 0);
  }
  return counts;
}

/** Whether tests were run, all that were meant, and none failed. */
function isGood(outcomes: readonly Outcome[]): boolean {
  return outcomes.length > 0 && !wasStopped && outcomes.every(({ isGood }) => isGood);
}

/** The sum of all runs. */
function closingLine(outcomes: readonly Outcome[]): string {
  const part = (kind: "passed" | "failed" | "ignored"): string => {
    const sum = (count: Count): number =>
      outcomes.reduce((all, { counts }) => all + counts[count], 0);
    const steps = sum(`${kind} steps`);
    return `${sum(kind)} ${kind}${
      steps === 0 ? "" : ` (${steps} ${steps === 1 ? "step" : "steps"})`
    }`;
  };
  const seconds = Math.round((performance.now() - begin) / 1000);
  const took = seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
  const kinds = [part("passed"), part("failed"), part("ignored")].join(" | ");
  return `${isGood(outcomes) ? "ok" : "FAILED"} | ${kinds} (${took})`;
}

/** The test files at a path from the root. */
function testsAt(path: string): string[] {
  if (Deno.statSync(path).isFile) return [path];
  return [...Deno.readDirSync(path)].flatMap(({ name, isDirectory }) => {
    const each = `${path.replace(/\/$/, "")}/${name}`;
    return isDirectory ? testsAt(each) : each.endsWith("_test.ts") ? [each] : [];
  }).sort();
}

/** A line for each file that tests of were left out, and each thing that they miss. */
function leftOut(list: string): string[] {
  const names = new Map<string, Set<string>>();
  for (const line of list.split("\n").filter((line) => line !== "")) {
    const { file, name, missing }: LeftOut = JSON.parse(line);
    const key = `${file}: ${missing.map((need) => `no ${need} (${sourceOf(need)})`).join(", ")}`;
    names.set(key, (names.get(key) ?? new Set()).add(name));
  }
  return [...names].sort().map(([key, { size }]) =>
    `left out: ${size} ${size === 1 ? "test" : "tests"} of ${key}`
  );
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

async function write(chunk: Uint8Array | string): Promise<void> {
  let bytes = typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk;
  while (bytes.length > 0) bytes = bytes.subarray(await Deno.stdout.write(bytes));
}
