/**
 * One scenario, from the first process to the last.
 *
 * @module
 */

import { follow } from "../load/main.ts";
import type { Processes } from "../load/processes.ts";
import { writeErr } from "../load/text.ts";
import { type FinalReport, noTotals, sumOf, type Totals, unanswered } from "../load/totals.ts";
import { type Cast, GRACE_MS, startCast } from "./cast.ts";
import type { Settings } from "./flags.ts";
import { MemoryRecord } from "./memory_record.ts";
import { type Look, look } from "./proc.ts";
import { type CpuTimes, cpuTimes, type Hot, hottest } from "./profile.ts";
import type { Scenario } from "./scenario.ts";
import type { Order } from "./share.ts";

/** How it stood at one second. */
export interface Moment {
  readonly second: number;
  readonly open: number;
  readonly answersPerSecond: number;
}

/** What came of one scenario. */
export interface Outcome {
  readonly scenario: Scenario;
  readonly clients: number;
  readonly reports: readonly FinalReport[];
  readonly totals: Totals;
  /** From the first connect until each client was open or had failed. */
  readonly settledSeconds: number;
  readonly moments: readonly Moment[];
  readonly memory: MemoryRecord;
  readonly pids: Cast["pids"];
  /** At the beginning and the end of the time in which all are connected. */
  readonly begin: Look;
  readonly end: Look;
  readonly hot: readonly Hot[];
}

/** Beyond the ramp, for the last ones to connect. */
const CONNECT_MS = 60_000;
/** For the last reports. */
const REPORT_MS = 20_000;
const HOT_FUNCTIONS = 15;

/**
 * Runs a scenario: ramp, hold, grace.
 *
 * The hold begins when each client has opened or failed, but not before the ramp is over; only what is
 * intended to be sent in it counts for round trips, rates and CPU time.
 *
 * @param processes Takes all that is started; end them to end the run.
 * @param folder For a profile; the processes write there to their end.
 * @throws When a process does not start or ends early.
 */
export async function run(
  scenario: Scenario,
  settings: Settings,
  processes: Processes,
  folder: string,
): Promise<Outcome> {
  return await measure(scenario, settings, await startCast(processes, scenario, settings, folder));
}

async function measure(scenario: Scenario, settings: Settings, cast: Cast): Promise<Outcome> {
  const { generators, pids, profileFile } = cast;
  const everybody = Object.values(pids).flat();
  const totals = generators.map(noTotals);
  function sum(): Totals {
    return sumOf(totals);
  }
  async function order(text: Order): Promise<void> {
    await Promise.all(generators.map((generator) => generator.say(`${text}\n`)));
  }

  const memory = await MemoryRecord.start(pids.gateways);
  const reports = Promise.all(
    generators.map((generator, i) => follow(generator, (counts) => totals[i] = counts)),
  );
  // Someone who ends early ends the run, whatever it is waiting for.
  const failure = reports.then(() => new Promise<never>(() => {}));
  failure.catch(() => {});
  function within<T>(step: Promise<T>): Promise<T> {
    return Promise.race([step, failure]);
  }

  const startAt = performance.now();
  const clock = new ProgressClock(startAt, sum, memory);
  try {
    await order("go");
    await within(clock.until(startAt + scenario.rampSeconds * 1000));
    await within(clock.until(performance.now() + CONNECT_MS, () => {
      const { opened, failed } = sum();
      return opened + failed >= settings.clients;
    }));
    const settledSeconds = (performance.now() - startAt) / 1000;
    const profileBefore = await profileNow(pids, profileFile);
    await order("measure");
    const begin = await look(everybody);
    await within(clock.until(performance.now() + settings.holdSeconds * 1000));
    const end = await look(everybody);
    await memory.note(true);
    // What is answered from here on is no rate.
    clock.stop();
    await order("stop");
    const finals = await withDeadline(reports, GRACE_MS + REPORT_MS);
    const profileAfter = await profileNow(pids, profileFile);
    return {
      scenario,
      clients: settings.clients,
      reports: finals,
      totals: sum(),
      settledSeconds,
      moments: clock.moments,
      memory,
      pids,
      begin,
      end,
      hot: profileBefore === null || profileAfter === null
        ? []
        : hottest(profileBefore, profileAfter, HOT_FUNCTIONS),
    };
  } finally {
    clock.stop();
  }
}

async function profileNow(pids: Cast["pids"], file: string | null): Promise<CpuTimes | null> {
  return file === null ? null : await cpuTimes(pids.gateways[0]!, file);
}

async function withDeadline<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error("the generators gave no report in time")), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A line each second, and waiting by them. */
class ProgressClock {
  readonly moments: Moment[] = [];
  readonly #startAt: number;
  readonly #sum: () => Totals;
  readonly #memory: MemoryRecord;
  readonly #timer: ReturnType<typeof setInterval>;
  #lastAt: number;
  #answered = 0;

  constructor(startAt: number, sum: () => Totals, memory: MemoryRecord) {
    this.#startAt = startAt;
    this.#lastAt = startAt;
    this.#sum = sum;
    this.#memory = memory;
    this.#timer = setInterval(() => void this.#tick(), 1000);
  }

  /** Waits until a time, or until something is so; it looks ten times a second. */
  async until(at: number, isSo = (): boolean => false): Promise<void> {
    while (performance.now() < at && !isSo()) {
      const ms = Math.min(100, at - performance.now());
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #tick(): Promise<void> {
    const now = performance.now();
    const totals = this.#sum();
    const answered = totals.answered + totals.errors;
    const answersPerSecond = ((answered - this.#answered) / (now - this.#lastAt)) * 1000;
    const second = (now - this.#startAt) / 1000;
    this.#answered = answered;
    this.#lastAt = now;
    this.moments.push({ second, open: totals.open, answersPerSecond });
    // Shares are dear to count: seldom.
    await this.#memory.note(Math.round(second) % 10 === 0);
    writeErr(
      `${second.toFixed(0).padStart(4)} s  open ${totals.open}  ` +
        `answers/s ${answersPerSecond.toFixed(0)}  under way ${unanswered(totals)}  ` +
        `failed ${totals.failed}  lost ${totals.lost}  errors ${totals.errors}  ` +
        `bad ${totals.bad}  gateways ${(this.#memory.residentKib / 1024).toFixed(0)} MiB RSS\n`,
    );
  }
}
