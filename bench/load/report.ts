/**
 * The result of a run, for people and as JSON.
 *
 * @module
 */

import type { Settings } from "./flags.ts";
import { Latencies } from "./histogram.ts";
import { type FinalReport, sumOf, type Totals, troubles, unanswered } from "./totals.ts";
import type { UsageSummary } from "./usage.ts";

/** Milliseconds, but for `count`. */
interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** All of it; what `--json` writes. */
export interface Result {
  readonly settings: Settings;
  readonly deno: string;
  /** Logical processors, which generators, backend and gateway share. */
  readonly processors: number;
  readonly totals: Totals;
  readonly unanswered: number;
  readonly answersPerSecond: number;
  readonly connectMs: Percentiles;
  readonly roundTripMs: Percentiles;
  readonly latenessMs: Percentiles;
  /** Null for a gateway that was not started here. */
  readonly gateway: UsageSummary | null;
  readonly reasons: readonly string[];
}

/** Puts the generators' reports together. */
export function resultOf(
  settings: Settings,
  reports: readonly FinalReport[],
  gateway: UsageSummary | null,
): Result {
  const totals = sumOf(reports.map((report) => report.totals));
  return {
    settings,
    deno: Deno.version.deno,
    processors: navigator.hardwareConcurrency,
    totals,
    unanswered: unanswered(totals),
    answersPerSecond: reports.reduce((sum, report) => sum + report.answersPerSecond, 0),
    connectMs: percentilesOf(reports.map((report) => report.connect)),
    roundTripMs: percentilesOf(reports.map((report) => report.roundTrip)),
    latenessMs: percentilesOf(reports.map((report) => report.lateness)),
    gateway,
    reasons: reports.flatMap((report) => report.reasons),
  };
}

function percentilesOf(encoded: readonly string[]): Percentiles {
  const all = new Latencies();
  for (const one of encoded) all.add(one);
  return {
    count: all.count,
    p50: all.percentile(50),
    p90: all.percentile(90),
    p99: all.percentile(99),
    p999: all.percentile(99.9),
    max: all.percentile(100),
  };
}

/** Whether every client stayed and every CALL had its CALLRESULT. */
export function isClean(result: Result): boolean {
  return troubles(result.totals) === 0 && result.unanswered === 0 &&
    result.totals.opened === result.settings.clients;
}

/** The table for people: a name and what belongs to it on each line. */
export function tableOf(result: Result): string {
  const { settings, totals, connectMs, roundTripMs, latenessMs, gateway } = result;
  const loop = settings.periodSeconds === null
    ? "closed loop"
    : `open loop, a CALL every ${settings.periodSeconds} s`;
  const rows: [string, string][] = [
    ["load", `${loop}, payload ${settings.payloadBytes} B, ${settings.seconds} s`],
    ["clients", `${totals.opened} opened, ${totals.failed} failed, ${totals.lost} lost`],
    ["CALLs", `${totals.sent} sent, ${totals.answered} answered, ${totals.errors} errors`],
    ["", `${result.unanswered} unanswered, ${totals.bad} bad`],
    ["answers/s", result.answersPerSecond.toFixed(0)],
    ["connect", `p50 ${ms(connectMs.p50)}  p99 ${ms(connectMs.p99)}`],
    [
      "round trip",
      `p50 ${ms(roundTripMs.p50)}  p90 ${ms(roundTripMs.p90)}  p99 ${ms(roundTripMs.p99)}  ` +
      `p99.9 ${ms(roundTripMs.p999)}  max ${ms(roundTripMs.max)}`,
    ],
  ];
  if (latenessMs.count > 0) {
    rows.push(["of it late", `p50 ${ms(latenessMs.p50)}  p99 ${ms(latenessMs.p99)} (generator)`]);
  }
  if (gateway !== null) {
    const perClientKib = (gateway.residentEndKib - gateway.residentBeforeKib) / totals.opened;
    rows.push(
      [
        "gateway RSS",
        `${mib(gateway.residentBeforeKib)} before, ${mib(gateway.residentEndKib)} at the end, ` +
        `${mib(gateway.residentMaxKib)} at most`,
      ],
      ["", totals.opened === 0 ? "" : `${perClientKib.toFixed(1)} KiB more for each client`],
      ["gateway CPU", cpu(gateway.cpuSeconds, totals)],
    );
  }
  for (const reason of result.reasons) rows.push(["trouble", reason]);
  return rows.map(([name, text]) => `${name.padEnd(12)} ${text}\n`).join("");
}

function ms(value: number): string {
  return `${value.toFixed(2)} ms`;
}

function mib(kib: number): string {
  return `${(kib / 1024).toFixed(1)} MiB`;
}

function cpu(seconds: number, { answered }: Totals): string {
  const each = answered === 0 ? "" : `, ${((seconds / answered) * 1e6).toFixed(0)} µs an answer`;
  return `${seconds.toFixed(2)} s${each}`;
}
