/**
 * The headline's results for people, as Markdown and as a chart.
 *
 * @module
 */

import type { Latencies } from "../load/latencies.ts";
import { coresOf, cpuOf, microsOf, type Outcome } from "../load/measure.ts";
import type { Moment } from "../load/record.ts";
import { unanswered } from "../load/tally.ts";
import { chartOf } from "../report/chart.ts";
import { digits, markdownTable, ms } from "../report/markdown.ts";

/** How the clients come and how often they speak. */
export interface Scenario {
  /** As `--only` has it. */
  readonly name: string;
  /** All clients connect evenly in this time. */
  readonly rampSeconds: number;
  /** Between two CALLs of a client. */
  readonly periodSeconds: number;
  /** Of the gateways. */
  readonly flag?: string;
}

const ROLES = ["gateways", "generators", "stub", "NATS"] as const;

/** The processes of a run, by their roles. */
export type Pids = Readonly<Record<typeof ROLES[number], readonly number[]>>;

/** What came of a scenario. */
export interface Run {
  readonly scenario: Scenario;
  readonly outcome: Outcome;
  readonly pids: Pids;
}

/** For headings. */
export function titleOf({ rampSeconds, periodSeconds, flag }: Scenario): string {
  const how = flag === undefined ? "" : `, ${flag}`;
  return `all in ${rampSeconds} s, a CALL every ${periodSeconds} s${how}`;
}

function percentiles(latencies: Latencies): string {
  return [50, 99, 99.9].map((percent) => ms(latencies.percentile(percent))).join(", ");
}

/** Megabytes of a million, as the targets have them. */
function mb(kib: number): string {
  return `${digits((kib * 1024) / 1e6)} MB`;
}

/** A row's name, and its cell for a scenario. */
type Row = readonly [name: string, cell: (run: Run) => string];

/** A row about one thing of the outcome. */
function row(name: string, cell: (outcome: Outcome) => string): Row {
  return [name, ({ outcome }) => cell(outcome)];
}

const ROWS: readonly Row[] = [
  row("clients opened", ({ totals }) => digits(totals.opened)),
  row("failed, lost", ({ totals }) => `${digits(totals.failed)}, ${digits(totals.lost)}`),
  row("all of them after", ({ settledSeconds }) => `${digits(settledSeconds, 1)} s`),
  row("connect: p50, p99, p99.9", ({ connect }) => percentiles(connect)),
  row("CALLs sent, answered", ({ totals }) => `${digits(totals.sent)}, ${digits(totals.answered)}`),
  row(
    "unanswered, CALLERRORs, wrong answers",
    ({ totals }) =>
      [unanswered(totals), totals.errors, totals.bad].map((n) => digits(n)).join(", "),
  ),
  row("**answers/s**", ({ answersPerSecond }) => `**${digits(answersPerSecond)}**`),
  ["wanted", ({ outcome, scenario }) => digits(outcome.clients / scenario.periodSeconds)],
  row("round trip: p50, p99, p99.9", ({ roundTrip }) => percentiles(roundTrip)),
  row("of it late in the generators", ({ lateness }) => percentiles(lateness)),
  row("**memory of all gateways**, most (Pss)", ({ memory }) => `**${mb(memory!.maxShareKib)}**`),
  row("the same, RSS added up", ({ memory }) => mb(memory!.maxKib)),
  row("before the first client (Pss)", ({ memory }) => mb(memory!.emptyShareKib)),
  row("for each client (Pss, less that)", ({ memory, totals }) => {
    const { maxShareKib, emptyShareKib } = memory!;
    return `${digits((maxShareKib - emptyShareKib) / totals.opened, 1)} KiB`;
  }),
];

const CPU_ROWS: readonly Row[] = [
  ...ROLES.map((role): Row => [role, ({ outcome, pids }) => {
    const { user, both } = cpuOf(outcome, pids[role]);
    return `${cores(outcome, both)} (${digits(100 * user / both)} % user), ` +
      `${digits(microsOf(outcome, both))} µs`;
  }]),
  ["everything else", ({ outcome, pids }) => {
    const known = cpuOf(outcome, Object.values(pids).flat()).both;
    return cores(outcome, Math.max(0, machineOf(outcome, "busySeconds") - known));
  }],
  row("of it softirq", (outcome) => cores(outcome, machineOf(outcome, "softirqSeconds"))),
  row("idle", (outcome) => cores(outcome, machineOf(outcome, "idleSeconds"))),
];

function cores(outcome: Outcome, cpuSeconds: number): string {
  return `${digits(coresOf(outcome, cpuSeconds), 2)} cores`;
}

function machineOf({ begin, end }: Outcome, what: keyof Outcome["begin"]["machine"]): number {
  return end.machine[what] - begin.machine[what];
}

function tableOf(runs: readonly Run[], rows: readonly Row[]): string {
  return markdownTable([
    ["", ...runs.map(({ scenario }) => titleOf(scenario))],
    ...rows.map(([name, cell]) => [name, ...runs.map(cell)]),
  ]);
}

/** The section for RESULTS.md. `deno fmt` gives it its final form. */
export function sectionOf(runs: readonly Run[], gateways: number, holdSeconds: number): string {
  return [
    `## ${digits(runs[0]!.outcome.clients)} clients: \`deno task bench:120k\``,
    `${gateways} gateways as \`deno task start\` runs them, on one port and NATS, with ` +
    `\`--max-waiting=1500\`, ${gateways} generators, a stub and the NATS server, all on ` +
    `${navigator.hardwareConcurrency} processors; Deno ${Deno.version.deno}. The clients connect ` +
    "evenly; each sends its first CALL at random within a period, then one each period. Rates, " +
    `round trips and CPU time are of ${holdSeconds} s in which all are connected; a round trip ` +
    "counts from when its CALL was to be sent.",
    "![](cluster/headline.svg)",
    tableOf(runs, ROWS),
    "CPU time in that time, and for each answer:",
    tableOf(runs, CPU_ROWS),
    "The generators and the stub make system calls by FFI and keep no object for a client, so that " +
    "the processors are the gateways'. “Of it softirq” is what the kernel does for sockets, in the " +
    "name of whoever it came across.",
    ...runs.filter(({ outcome }) => outcome.reasons.length > 0).map(({ scenario, outcome }) =>
      `Trouble, ${titleOf(scenario)}: ${outcome.reasons.slice(0, 5).join("; ")}.`
    ),
  ].join("\n\n") + "\n";
}

/** Clients and answers/s over time. */
export function pictureOf(runs: readonly Run[]): string {
  const panels = runs.map(({ scenario, outcome: { clients, moments } }) => {
    const points = (of: (moment: Moment) => number) =>
      moments.map((moment) => ({ second: moment.second, value: of(moment) }));
    return {
      kind: "lines",
      heading: `${digits(clients)} clients, ${titleOf(scenario)}`,
      left: { name: "clients", hue: "gray", points: points(({ open }) => open), most: clients },
      right: {
        name: "answers/s",
        hue: "blue",
        points: points((moment) => moment.answersPerSecond),
        most: clients / scenario.periodSeconds,
      },
    } as const;
  });
  return chartOf("Open clients and answers a second over time", panels);
}
