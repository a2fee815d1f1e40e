/**
 * The headline's results for people, as Markdown.
 *
 * @module
 */

import { Latencies } from "../load/histogram.ts";
import { type FinalReport, troubles, unanswered } from "../load/totals.ts";
import type { Role } from "./cast.ts";
import type { Settings } from "./flags.ts";
import type { Look } from "./proc.ts";
import type { Outcome } from "./run.ts";
import { titleOf } from "./scenario.ts";
import { digits, markdownTable } from "./section.ts";

/** A row's name, and its cell for a scenario. */
type Row = readonly [name: string, cell: (outcome: Outcome) => string];

const ROWS: readonly Row[] = [
  ["clients opened", ({ totals }) => digits(totals.opened)],
  ["failed, lost", ({ totals }) => `${digits(totals.failed)}, ${digits(totals.lost)}`],
  ["all of them after", ({ settledSeconds }) => `${digits(settledSeconds, 1)} s`],
  ["connect: p50, p99, p99.9", ({ reports }) => percentiles(reports, "connect")],
  [
    "CALLs sent, answered",
    ({ totals }) => `${digits(totals.sent)}, ${digits(totals.answered)}`,
  ],
  [
    "unanswered, CALLERRORs, wrong answers",
    ({ totals }) =>
      `${digits(unanswered(totals))}, ${digits(totals.errors)}, ${digits(totals.bad)}`,
  ],
  ["**answers/s**", ({ reports }) => `**${digits(answersPerSecond(reports))}**`],
  ["wanted", ({ clients, scenario }) => digits(clients / scenario.periodSeconds)],
  ["round trip: p50, p99, p99.9", ({ reports }) => percentiles(reports, "roundTrip")],
  ["of it late in the generators", ({ reports }) => percentiles(reports, "lateness")],
  [
    "**memory of all gateways**, most (Pss)",
    ({ memory }) => `**${mb(memory.maxProportionalKib)} MB**`,
  ],
  ["the same, RSS added up", ({ memory }) => `${mb(memory.maxResidentKib)} MB`],
  ["before the first client (Pss)", ({ memory }) => `${mb(memory.emptyProportionalKib)} MB`],
  ["for each client (Pss, less that)", (outcome) => `${digits(clientKib(outcome), 1)} KiB`],
];

const ROLES: readonly (readonly [Role, string])[] = [
  ["gateways", "gateways"],
  ["generators", "generators"],
  ["stub", "stub"],
  ["nats", "NATS"],
];

/** The section for RESULTS.md. `deno fmt` gives it its final form. */
export function sectionOf(outcomes: readonly Outcome[], settings: Settings): string {
  const { clients, gateways, holdSeconds } = settings;
  const table = [
    ["", ...outcomes.map(({ scenario }) => titleOf(scenario))],
    ...ROWS.map(([name, cell]) => [name, ...outcomes.map(cell)]),
  ];
  const parts = [
    `## ${digits(clients)} clients: \`deno task bench:120k\``,
    `${gateways} gateways as \`deno task start\` runs them, on one port and NATS, with \`--max-waiting=1500\`, ${gateways} ` +
    `generators, a stub and the NATS server, all on ${navigator.hardwareConcurrency} processors; ` +
    `Deno ${Deno.version.deno}. The clients connect evenly; each sends its first CALL at random ` +
    `within a period, then one each period. Rates, round trips and CPU time are of ${holdSeconds} s ` +
    "in which all are connected; a round trip counts from when its CALL was to be sent.",
    "![](cluster/headline.svg)",
    markdownTable(table),
    "CPU time in that time, and for each answer:",
    markdownTable(cpuRows(outcomes)),
    "The generators and the stub make system calls by FFI and keep no object for a client, so that " +
    "the processors are the gateways'. “Of it softirq” is what the kernel does for sockets, in the " +
    "name of whoever it came across.",
  ];
  for (const { scenario, hot } of outcomes) {
    if (hot.length > 0) parts.push(`### Hot: ${titleOf(scenario)}`, hotTable(hot));
  }
  for (const { scenario, reports } of outcomes) {
    const reasons = reports.flatMap((report) => report.reasons);
    if (reasons.length > 0) {
      parts.push(`Trouble, ${titleOf(scenario)}: ${[...new Set(reasons)].slice(0, 5).join("; ")}.`);
    }
  }
  return parts.join("\n\n") + "\n";
}

function hotTable(hot: Outcome["hot"]): string {
  return markdownTable([
    ["own time", "share", "function"],
    ...hot.map(({ name, seconds, share }) => [
      `${digits(seconds, 2)} s`,
      `${digits(share * 100, 1)} %`,
      `\`${name}\``,
    ]),
  ]);
}

function cpuRows(outcomes: readonly Outcome[]): string[][] {
  const heading = ["", ...outcomes.map(({ scenario }) => titleOf(scenario))];
  const rows = ROLES.map(([role, name]) => [
    name,
    ...outcomes.map((outcome) => {
      const { user, system } = cpuOf(outcome, role);
      return `${cores(outcome, user + system)} (${digits(100 * user / (user + system))} % user), ` +
        micros(outcome, user + system);
    }),
  ]);
  const machine = (name: string, of: (outcome: Outcome) => number) => [
    name,
    ...outcomes.map((outcome) => cores(outcome, of(outcome))),
  ];
  return [
    heading,
    ...rows,
    machine("everything else", (outcome) => {
      const known = ROLES.reduce((sum, [role]) => {
        const { user, system } = cpuOf(outcome, role);
        return sum + user + system;
      }, 0);
      return Math.max(0, between(outcome, "busySeconds") - known);
    }),
    machine("of it softirq", (outcome) => between(outcome, "softirqSeconds")),
    machine("idle", (outcome) => between(outcome, "idleSeconds")),
  ];
}

function cpuOf({ begin, end, pids }: Outcome, role: Role): { user: number; system: number } {
  let user = 0;
  let system = 0;
  for (const pid of pids[role]) {
    const before = begin.processes.get(pid);
    const after = end.processes.get(pid);
    if (before === undefined || after === undefined) continue;
    user += after.userSeconds - before.userSeconds;
    system += after.systemSeconds - before.systemSeconds;
  }
  return { user, system };
}

function between({ begin, end }: Outcome, what: keyof Look["machine"]): number {
  return end.machine[what] - begin.machine[what];
}

function cores({ begin, end }: Outcome, seconds: number): string {
  return `${digits(seconds / ((end.at - begin.at) / 1000), 2)} cores`;
}

function micros({ begin, end, reports }: Outcome, seconds: number): string {
  const answers = answersPerSecond(reports) * ((end.at - begin.at) / 1000);
  return `${digits((seconds / answers) * 1e6)} µs`;
}

/** The sum of what all generators got while all were connected. */
export function answersPerSecond(reports: readonly FinalReport[]): number {
  return reports.reduce((sum, report) => sum + report.answersPerSecond, 0);
}

function percentiles(
  reports: readonly FinalReport[],
  what: "connect" | "roundTrip" | "lateness",
): string {
  const all = new Latencies();
  for (const report of reports) all.add(report[what]);
  const [p50, p99, p999] = [50, 99, 99.9].map((percent) => ms(all.percentile(percent)));
  return `${p50}, ${p99}, ${p999}`;
}

function clientKib({ memory, totals }: Outcome): number {
  return (memory.maxProportionalKib - memory.emptyProportionalKib) / totals.opened;
}

function ms(value: number): string {
  return `${digits(value, value < 10 ? 1 : 0)} ms`;
}

/** Megabytes of a million, as the targets have them. */
function mb(kib: number): string {
  return digits((kib * 1024) / 1e6);
}

/** Whether every client stayed and every CALL had its CALLRESULT. */
export function isClean({ totals, clients }: Outcome): boolean {
  return troubles(totals) === 0 && unanswered(totals) === 0 && totals.opened === clients;
}
