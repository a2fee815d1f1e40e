/**
 * The generator processes of a run, as one.
 *
 * @module
 */

import type { Processes, Started } from "../process/processes.ts";
import { Latencies } from "./latencies.ts";
import type { Line, Order, Part } from "./part.ts";
import { type Report, sumOf, type Totals } from "./tally.ts";

/** For the answers that a generator waits for when it stops, and its report. */
const REPORT_MS = 30_000;

/** What all generators say at the end. */
export interface LoadReport {
  readonly totals: Totals;
  /** The rest is of what was intended to be sent from the order to measure to the one to stop. */
  readonly answersPerSecond: number;
  readonly roundTrip: Latencies;
  /** What the generators themselves add to the round trips. */
  readonly lateness: Latencies;
  /** But for this: it is of all connects. */
  readonly connect: Latencies;
  /** The first few reasons of clients that failed or were lost. */
  readonly reasons: readonly string[];
}

/** Shares clients out evenly over several processes, which are told apart by their prefixes. */
export function partsOf(whole: Part, processes: number): Part[] {
  const { clients, prefix } = whole;
  return Array.from({ length: processes }, (_, i) => ({
    ...whole,
    prefix: `${prefix}${i}-`,
    clients: Math.floor((clients * (i + 1)) / processes) - Math.floor((clients * i) / processes),
  }));
}

/** Generators that wait for orders. A process that ends early fails whatever is waited for. */
export class Load {
  readonly pids: readonly number[];
  readonly clients: number;
  readonly #generators: readonly Started[];
  readonly #totals: Totals[];
  readonly #reports: Promise<Report[]>;
  readonly #failure: Promise<never>;
  #more = Promise.withResolvers<void>();

  private constructor(generators: readonly Started[], clients: number) {
    this.pids = generators.map(({ pid }) => pid);
    this.clients = clients;
    this.#generators = generators;
    this.#totals = generators.map(() => sumOf([]));
    this.#reports = Promise.all(generators.map((generator, i) => this.#follow(generator, i)));
    this.#failure = this.#reports.then(() => new Promise<never>(() => {}));
    this.#failure.catch(() => {});
  }

  /** @param processes Takes the generators; end them to end the clients. */
  static async start(processes: Processes, parts: readonly Part[]): Promise<Load> {
    const generators: Started[] = [];
    for (const part of parts) {
      const args = [JSON.stringify(part)];
      generators.push(
        await processes.startScript("--allow-ffi", "bench/load/generator.ts", args),
      );
    }
    return new Load(generators, parts.reduce((sum, { clients }) => sum + clients, 0));
  }

  /** Counts of all, half a second old at most. */
  get totals(): Totals {
    return sumOf(this.#totals);
  }

  async order(order: Order): Promise<void> {
    await Promise.all(this.#generators.map((generator) => generator.say(`${order}\n`)));
  }

  /** Waits for a time to pass. */
  async pause(ms: number): Promise<void> {
    await this.until(() => false, ms);
  }

  /** Waits until the counts are so. @returns Whether they were in time. */
  async until(isSo: (totals: Totals) => boolean, ms: number): Promise<boolean> {
    let isLate = false;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => (isLate = true, resolve()), ms);
    try {
      while (!isSo(this.totals)) {
        await Promise.race([late, this.#more.promise, this.#failure]);
        if (isLate) return isSo(this.totals);
      }
      return true;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits until each client is open or has failed. @returns Whether they all were in time. */
  async settled(ms: number): Promise<boolean> {
    return await this.until(({ opened, failed }) => opened + failed >= this.clients, ms);
  }

  /** Ends the sending, and waits for answers under way. The clients stay connected. */
  async stop(): Promise<LoadReport> {
    await this.order("stop");
    let reports: readonly Report[] | undefined;
    void this.#reports.then((all) => (reports = all, this.#more.resolve()), () => {});
    await this.until(() => reports !== undefined, REPORT_MS);
    if (reports === undefined) throw new Error("the generators gave no report in time");
    const all = reports;
    return {
      totals: sumOf(all.map(({ totals }) => totals)),
      answersPerSecond: all.reduce((sum, report) => sum + report.answersPerSecond, 0),
      roundTrip: Latencies.of(all.map(({ roundTrip }) => roundTrip)),
      lateness: Latencies.of(all.map(({ lateness }) => lateness)),
      connect: Latencies.of(all.map(({ connect }) => connect)),
      reasons: [...new Set(all.flatMap(({ reasons }) => reasons))],
    };
  }

  async #follow({ lines }: Started, i: number): Promise<Report> {
    // Not `for await`: leaving that would cancel the stream and cut the generator's output.
    while (true) {
      const { value, done } = await lines.next();
      if (done === true) throw new Error("a generator ended before its report");
      const line: Line = JSON.parse(value);
      if (line.kind === "ready") continue;
      this.#totals[i] = line.kind === "final" ? line.report.totals : line.totals;
      this.#more.resolve();
      this.#more = Promise.withResolvers();
      if (line.kind === "final") return line.report;
    }
  }
}
