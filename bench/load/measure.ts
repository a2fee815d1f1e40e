/**
 * One measurement: clients connect, warm up, and are measured for a while.
 *
 * @module
 */

import { type Look, look } from "../process/usage.ts";
import type { Load, LoadReport } from "./load.ts";
import { type Memory, type Moment, Record } from "./record.ts";
import { unanswered } from "./tally.ts";

/** How it is measured. */
export interface Plan {
  /** In which the clients connect; they may take a minute more. */
  readonly rampMs: number;
  /** From when all are connected until it counts: what is hot is compiled then. */
  readonly warmUpMs: number;
  readonly holdMs: number;
  /** Whose CPU time is wanted, the generators' besides. */
  readonly pids: readonly number[];
  /** Whose memory is. */
  readonly memoryOf?: readonly number[];
  /** Whether a line goes to standard error each second. */
  readonly isShown?: boolean;
}

/** What came of it. Rates, round trips and CPU time are of `holdMs`. */
export interface Outcome extends LoadReport {
  readonly clients: number;
  /** From the first connect until each client was open or had failed. */
  readonly settledSeconds: number;
  readonly moments: readonly Moment[];
  readonly memory: Memory | null;
  /** At the beginning and the end of what counts. */
  readonly begin: Look;
  readonly end: Look;
}

/** Beyond the ramp, for the last ones to connect. */
const CONNECT_MS = 60_000;

/**
 * Runs a load from the first connect to the last answer.
 *
 * What counts begins when each client has opened or failed, but not before the ramp is over, and the
 * warm-up behind it; only what is intended to be sent in it counts for round trips.
 *
 * @throws When a process ends early.
 */
export async function measure(load: Load, plan: Plan): Promise<Outcome> {
  const pids = [...plan.pids, ...load.pids];
  const record = new Record(load, plan.memoryOf ?? [], plan.isShown ?? false);
  await record.start();
  try {
    const startAt = performance.now();
    await load.order("go");
    await load.pause(plan.rampMs);
    await load.settled(CONNECT_MS);
    const settledSeconds = (performance.now() - startAt) / 1000;
    await load.pause(plan.warmUpMs);
    await load.order("measure");
    const begin = await look(pids);
    await load.pause(plan.holdMs);
    const end = await look(pids);
    // What is answered from here on is no rate.
    const memory = await record.stop();
    const report = await load.stop();
    const { clients } = load;
    return { ...report, clients, settledSeconds, moments: record.moments, memory, begin, end };
  } finally {
    record.pause();
  }
}

/** What went wrong, in one line; null when every client stayed and every CALL had its CALLRESULT. */
export function troubleOf({ totals, clients, reasons }: Outcome): string | null {
  const { opened, failed, lost, errors, bad } = totals;
  const missing = unanswered(totals);
  if (opened === clients && failed + lost + errors + bad + missing === 0) return null;
  return `${opened} of ${clients} opened, ${failed} failed, ${lost} lost, ${errors} errors, ` +
    `${bad} bad, ${missing} unanswered ${reasons.join("; ")}`.trim();
}

/** CPU time of processes, in seconds. */
export function cpuOf({ begin, end }: Outcome, pids: readonly number[]) {
  let user = 0;
  let system = 0;
  for (const pid of pids) {
    const [before, after] = [begin.processes[pid]!, end.processes[pid]!];
    user += after.userSeconds - before.userSeconds;
    system += after.systemSeconds - before.systemSeconds;
  }
  return { user, system, both: user + system };
}

/** How many processors a CPU time kept busy. */
export function coresOf({ begin, end }: Outcome, cpuSeconds: number): number {
  return cpuSeconds / ((end.at - begin.at) / 1000);
}

/** Microseconds of CPU time for an answer. */
export function microsOf(outcome: Outcome, cpuSeconds: number): number {
  return (coresOf(outcome, cpuSeconds) / outcome.answersPerSecond) * 1e6;
}
