/**
 * Runs the tests: `deno task test [FLAG …] [PATH …]`, or with `--quick` before all else only those
 * that need no other program and do not wait: `deno task test:quick`. What is not meant for here is
 * given to `deno test`. Without a path all tests are run.
 *
 * At the end it says which tests were left out for want of a program or an address.
 *
 * @module
 */

import { LEFT_OUT_FILE, type LeftOut, sourceOf } from "./support/needs.ts";
import { FEW_RUNS } from "./support/runs.ts";

/** What the tests may do. */
const PERMISSIONS = [
  "--allow-net=127.0.0.1,[::1],nowhere.invalid:8080",
  ...["--allow-env", "--allow-read", "--allow-write", "--allow-sys", "--allow-run"],
];

/**
 * What is not quick: whole gateways under a day's traffic, processes, other programs, attacks, and all
 * that waits for real time. All else is.
 */
const SLOW = [
  ...["tests/attack", "tests/e2e", "tests/examples", "tests/status"],
  ...["tests/cluster/nats_*_test.ts", "tests/worker/death_test.ts"],
];

const isQuick = Deno.args[0] === "--quick";
const args = isQuick ? Deno.args.slice(1) : Deno.args;
const leftOutFile = Deno.makeTempFileSync({ prefix: "ws2api-left-out-" });
try {
  const code = await runTests(args, leftOutFile);
  const lines = leftOut(Deno.readTextFileSync(leftOutFile));
  if (lines.length > 0) Deno.stdout.writeSync(new TextEncoder().encode(lines.join("\n") + "\n\n"));
  Deno.exitCode = code;
} finally {
  Deno.removeSync(leftOutFile);
}

/** @returns The exit code of `deno test`. */
async function runTests(args: readonly string[], leftOutFile: string): Promise<number> {
  const hasPath = args.some((arg) => !arg.startsWith("-") && exists(arg));
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["test", "--doc", "--parallel", ...PERMISSIONS],
      ...(isQuick ? ["--no-check", `--ignore=${SLOW.join(",")}`] : []),
      ...args,
      ...(hasPath ? [] : ["lib", "tests"]),
    ],
    env: { [LEFT_OUT_FILE]: leftOutFile, ...(isQuick ? { [FEW_RUNS]: "1" } : {}) },
    stdin: "null",
  }).spawn();
  // Not to go before the tests do; a terminal tells them itself.
  const pass = (signal: Deno.Signal) => () => child.kill(signal);
  for (const signal of ["SIGTERM", "SIGHUP"] as const) Deno.addSignalListener(signal, pass(signal));
  Deno.addSignalListener("SIGINT", () => {});
  const { code } = await child.status;
  return code;
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
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
