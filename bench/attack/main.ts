/**
 * Attacks on a gateway: what each does to honest clients, in one Markdown table.
 *
 *     deno task bench:attack                                 all, on this checkout's program
 *     deno task bench:attack --before ../older --only heads,answers
 *
 * For each attack a gateway of its own, at first without and then with the attack: 50 clients that each
 * send a CALL five times a second, two new clients a second, and the attacker in a process of its own.
 * A round trip counts from when its CALL was due, and one that is never answered has lasted until the
 * end, so that a stall shows. With `--before` two programs take turns.
 *
 * All on this machine, which they share. An attack takes some 25 seconds for each program, and up
 * to 2.5 GiB of memory on one that does not bound it. Linux only.
 *
 * @module
 */

import { Command } from "commander";
import { programOf } from "../../tests/support/needs.ts";
import { type Certificate, makeCertificate, ROOT, TempDir } from "../../tests/support/program.ts";
import { rotated } from "../compare/round.ts";
import { type Checkout, readCheckout } from "../process/checkout.ts";
import { integer, listOf } from "../process/flags.ts";
import type { Processes } from "../process/processes.ts";
import { runTask } from "../process/task.ts";
import { writeErr, writeOut } from "../process/text.ts";
import { type Case, CASES } from "./cases.ts";
import { type Row, tableOf } from "./table.ts";
import { type Measured, takeTurn } from "./turn.ts";

interface Flags {
  readonly program: string;
  readonly before?: string;
  readonly only?: readonly string[];
  readonly seconds: number;
}

const NAMES = CASES.map(({ name }) => name);

const command = new Command("bench:attack")
  .description("What attacks do to honest clients, as a Markdown table.")
  .option("--program <dir>", "the checkout of the project that is attacked", ROOT)
  .option("--before <dir>", "another, older one, attacked turn by turn with it")
  .option("--only <list>", `of ${NAMES.join(",")}`, listOf(NAMES))
  .option("--seconds <n>", "how long an attack takes, unless it needs more", integer(2, 60), 8);

/** Which program an attack needs that this machine does not have. */
function missingFor({ withNats, backend }: Case): string | undefined {
  const needs = [
    ...withNats ? ["nats-server" as const] : [],
    ...backend === "drip" ? ["openssl" as const] : [],
  ];
  return needs.find((need) => {
    try {
      programOf(need);
      return false;
    } catch {
      return true;
    }
  });
}

/** What an attack does to a program, or in a few words why that was not measured. */
async function resultOf(
  processes: Processes,
  attack: Case,
  checkout: Checkout,
  seconds: number,
  certificate: Certificate | null,
): Promise<Measured | string> {
  const missing = missingFor(attack);
  if (missing !== undefined) return `left out: no ${missing} here`;
  const flags = (attack.flags ?? []).map((flag) => flag.split("=")[0]!);
  const unknown = flags.find((flag) => !checkout.flags.has(flag));
  if (unknown !== undefined) return `left out: no \`${unknown}\``;
  try {
    return await processes.with((own) => takeTurn(own, attack, checkout, seconds, certificate));
  } catch (error) {
    if (processes.isEnded) throw error;
    return `not measured: ${error instanceof Error ? error.message : error}`;
  }
}

/** For the backend that has TLS, if there is one. */
async function certificateFor(attacks: readonly Case[]): Promise<Certificate | null> {
  const needs = attacks.some((each) => each.backend === "drip" && missingFor(each) === undefined);
  if (!needs) return null;
  using dir = new TempDir();
  return await makeCertificate(dir);
}

/** The exit code: 1 when an attack could not be measured for another reason than what is missing. */
async function main(flags: Flags, processes: Processes): Promise<number> {
  const { only = NAMES, before } = flags;
  const attacks = CASES.filter(({ name }) => only.includes(name));
  const checkouts = [
    ...before === undefined ? [] : [{ label: "before", checkout: await readCheckout(before) }],
    {
      label: before === undefined ? "" : "after",
      checkout: await readCheckout(flags.program),
    },
  ];
  const certificate = await certificateFor(attacks);
  const rows: Row[] = [];
  let isWhole = true;
  for (const [i, attack] of attacks.entries()) {
    const seconds = Math.max(flags.seconds, attack.minSeconds ?? 0);
    const results = new Map<string, Measured | string>();
    for (const { label, checkout } of rotated(checkouts, i)) {
      const result = await resultOf(processes, attack, checkout, seconds, certificate);
      results.set(label, result);
      if (typeof result === "string" && result.startsWith("not measured")) isWhole = false;
      writeErr(`${[attack.name, label].join(" ").trim()}: ${wordsOf(result)}\n`);
    }
    rows.push({ attack, results: checkouts.map(({ label }) => results.get(label)!) });
  }
  writeOut(`${tableOf(checkouts.map(({ label }) => label), rows)}\n`);
  return isWhole ? 0 : 1;
}

/** For the terminal, while it goes on. */
function wordsOf(result: Measured | string): string {
  if (typeof result === "string") return result;
  const { calm, attacked, besides } = result;
  return `p99 ${calm.p99Ms.toFixed(1)} ms without, ${attacked.p99Ms.toFixed(1)} ms with; ` +
    besides.join("; ");
}

if (import.meta.main) await runTask(command, main);
