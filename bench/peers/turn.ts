/**
 * One contender's turn in one scenario.
 *
 * @module
 */

import type { Part } from "../load/generator.ts";
import { Latencies } from "../load/histogram.ts";
import { follow } from "../load/main.ts";
import type { Processes, Started } from "../load/processes.ts";
import { type Totals, troubles, unanswered } from "../load/totals.ts";
import { readUsage, type Usage } from "../load/usage.ts";
import type { Server } from "./contender.ts";
import type { Connected } from "./idle.ts";
import { pin } from "./pin.ts";
import type { Sample } from "./scenario.ts";

/** A turn's numbers, and what went wrong in it. */
export interface Outcome {
  readonly sample: Sample;
  readonly trouble: string | null;
}

/** What of a scenario says how to load. */
export type Load = Pick<Part, "clients" | "rampMs" | "periodMs">;

/** From the last client's connect until it counts. */
const WARM_UP_MS = 1500;
/** What a process starts with (compiling, loading) is over by then. */
const START_MS = 1000;
/** An idle client connects each so many milliseconds: what any contender can take. */
const IDLE_CONNECT_MS = 0.7;
/** For the last ones to connect, on a machine that is busy. */
const PATIENCE_MS = 60_000;

interface Snapshot {
  readonly at: number;
  readonly server: Usage;
  readonly backend: Usage;
  readonly load: Usage;
}

/**
 * Loads a server from one generator process.
 *
 * CPU time is counted between two looks, after the warm-up and at the end, and divided by the answers
 * between them: connecting and compiling are not in it.
 *
 * @param processes Takes the generator; end them to end its clients.
 */
export async function load(
  processes: Processes,
  server: Server,
  backendPid: number,
  { clients, rampMs, periodMs }: Load,
  durationMs: number,
): Promise<Outcome> {
  const generator = await processes.startGenerator({
    target: server.target,
    prefix: "peers-",
    clients,
    rampMs,
    durationMs,
    periodMs,
    payloadBytes: 0,
    warmUpMs: WARM_UP_MS,
  });
  await pin(generator.pid, "load");
  let begin: { readonly totals: Totals; readonly snapshot: Promise<Snapshot> } | null = null;
  await generator.say("go\n");
  const report = await follow(generator, () => {}, (totals) => {
    begin = { totals, snapshot: look(server.pid, backendPid, generator.pid) };
  });
  const end = await look(server.pid, backendPid, generator.pid);
  const { totals } = report;
  const trouble = troubleOf(totals, clients, report.reasons);
  // TypeScript does not see the assignment in the callback.
  const measured = begin as { totals: Totals; snapshot: Promise<Snapshot> } | null;
  if (measured === null) return { sample: {}, trouble: trouble ?? "the clients did not connect" };
  const start = await measured.snapshot;
  const roundTrip = new Latencies();
  roundTrip.add(report.roundTrip);
  const answered = totals.answered - measured.totals.answered;
  const seconds = (end.at - start.at) / 1000;
  function cores(who: "server" | "backend" | "load"): number {
    return (end[who].cpuSeconds - start[who].cpuSeconds) / seconds;
  }
  return {
    sample: {
      answersPerSecond: report.answersPerSecond,
      p50Ms: roundTrip.percentile(50),
      p99Ms: roundTrip.percentile(99),
      cpuSeconds: ((end.server.cpuSeconds - start.server.cpuSeconds) / answered) * 10_000,
      serverCores: cores("server"),
      backendCores: cores("backend"),
      loadCores: cores("load"),
    },
    trouble,
  };
}

/** @throws When one of them has ended. */
async function look(server: number, backend: number, load: number): Promise<Snapshot> {
  const at = performance.now();
  const usages = await Promise.all([server, backend, load].map(readUsage));
  const [ofServer, ofBackend, ofLoad] = usages;
  if (ofServer === undefined || ofBackend === undefined || ofLoad === undefined) {
    throw new Error("a process of the run has ended");
  }
  return { at, server: ofServer, backend: ofBackend, load: ofLoad };
}

function troubleOf(totals: Totals, clients: number, reasons: readonly string[]): string | null {
  const missing = unanswered(totals);
  if (totals.opened === clients && troubles(totals) === 0 && missing === 0) return null;
  const { opened, failed, lost, errors, bad } = totals;
  return `${opened} of ${clients} opened, ${failed} failed, ${lost} lost, ${errors} errors, ` +
    `${bad} bad, ${missing} unanswered ${reasons.join("; ")}`.trim();
}

/**
 * Connects idle clients to a fresh server and compares its memory with that before.
 *
 * @param settleMs How long the clients are idle before the second look.
 */
export async function idle(
  processes: Processes,
  server: Server,
  clients: number,
  settleMs: number,
): Promise<Outcome> {
  await pause(START_MS);
  const empty = await residentKib(server.pid);
  const script = await processes.startScript("bench/peers/idle.ts", [
    `${server.target.port}`,
    `${clients}`,
    `${clients * IDLE_CONNECT_MS}`,
  ]);
  const { opened, failed } = await connected(script, clients * IDLE_CONNECT_MS + PATIENCE_MS);
  await pause(settleMs);
  const full = await residentKib(server.pid);
  return {
    sample: { emptyMib: empty / 1024, clientKib: (full - empty) / opened },
    trouble: failed === 0 ? null : `${failed} of ${clients} did not connect`,
  };
}

async function connected(script: Started, timeoutMs: number): Promise<Connected> {
  let timer;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error("the clients did not connect in time")), timeoutMs);
  });
  const { value, done } = await Promise.race([script.lines.next(), late]);
  clearTimeout(timer);
  if (done === true) throw new Error("the idle clients' process has ended");
  return JSON.parse(value);
}

async function residentKib(pid: number): Promise<number> {
  const usage = await readUsage(pid);
  if (usage === undefined) throw new Error("the server has ended");
  return usage.residentKib;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
