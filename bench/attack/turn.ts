/**
 * One turn: a gateway, honest clients, and one attack.
 *
 * @module
 */

import { stripVTControlCharacters } from "node:util";
import { Load, type LoadReport } from "../load/load.ts";
import { unanswered } from "../load/tally.ts";
import type { Certificate } from "../../tests/support/program.ts";
import type { Checkout } from "../process/checkout.ts";
import { lineOf, type Processes, type Server } from "../process/processes.ts";
import { cat } from "../process/usage.ts";
import { digits, ms } from "../report/markdown.ts";
import type { Orders } from "./attack.ts";
import type { BackendOrders } from "./backend.ts";
import { type Case, HONEST_PREFIX } from "./cases.ts";

/** Speaking clients. */
const HONEST_CLIENTS = 50;
const PERIOD_MS = 200;
const NEWCOMERS_PER_SECOND = 2;
const CONNECT_MS = 20_000;
const WARM_UP_MS = 1000;
/** Without the attack, of the time with it. */
const CALM_SHARE = 0.5;
/** Between two looks at the gateway's memory. */
const LOOK_MS = 250;
/** What is worth a word: beyond that a load generator was itself held up. */
const LATE_MS = 50;
const SLOW_BACKEND_MS = 50;
const DRIP_BYTES = 20_000;
/** The backend with TLS has a certificate of this run; a flag needs no file that may be left behind. */
const TRUST = "--unsafely-ignore-certificate-errors=127.0.0.1";
/** How the runtime begins its last words. */
const DEATH = /panicked at|Uncaught|out of memory/;
const SHOWN_ERROR_CHARS = 150;

/** How honest clients fared. */
export interface Fare {
  readonly p99Ms: number;
  readonly answersPerSecond: number;
}

/** What one attack did to one program. */
export interface Measured {
  readonly calm: Fare;
  readonly attacked: Fare;
  /** Clients cut, new ones refused, memory, what the attackers saw: a few words each. */
  readonly besides: readonly string[];
}

/**
 * Takes one turn; `processes` takes all that it starts.
 *
 * @param certificate For a backend with TLS.
 * @throws When a process of the bench ends early. That the gateway ends is a result.
 */
export async function takeTurn(
  processes: Processes,
  attack: Case,
  checkout: Checkout,
  seconds: number,
  certificate: Certificate | null,
): Promise<Measured> {
  const nats = attack.withNats ? await processes.startNats() : null;
  const backend = await startBackend(processes, attack, certificate);
  const gateway = await startGateway(processes, attack, checkout, backend, nats);
  const errors = keepLast(gateway.errorLines!);
  const calm = await processes.with(async (own) => {
    const honest = await startHonest(own, gateway);
    await honest.order("measure");
    await honest.pause(seconds * 1000 * CALM_SHARE);
    return await honest.stop();
  });
  const orders: Orders = {
    order: attack.order,
    target: { port: gateway.port, natsPort: nats?.port ?? null },
  };
  const attacker = await processes.startScript(
    // The library for NATS asks for some of these.
    nats === null ? "--allow-net=127.0.0.1" : "--allow-all",
    "bench/attack/attacker.ts",
    [JSON.stringify(orders)],
  );
  const honest = await startHonest(processes, gateway);
  const newcomers = await startNewcomers(processes, gateway, seconds);
  await honest.order("measure");
  const calmMib = await peakMib(gateway.pid) ?? 0;
  await Promise.all([attacker.say("go\n"), newcomers.order("go")]);
  const memory = await watchMemory(gateway.pid, seconds * 1000, calmMib);
  const reports = Promise.all([honest.stop(), newcomers.stop()]);
  reports.catch(() => {});
  await attacker.say("stop\n");
  const [line] = await lineOf(attacker.lines, /^\[.*\]$/, "the attacker");
  const [report, newReport] = await reports;
  const hasEnded = await peakMib(gateway.pid) === null;
  return {
    calm: fareOf(calm),
    attacked: fareOf(report),
    besides: [
      ...hasEnded ? [`**the process ended** (${errors.last})`] : [],
      ...cutNotes(report, newReport, newcomers.clients),
      `at most ${digits(memory)} MiB`,
      ...JSON.parse(line),
      ...lateNote(report),
    ],
  };
}

async function startBackend(
  processes: Processes,
  { backend }: Case,
  certificate: Certificate | null,
): Promise<Server> {
  if (backend === undefined) return await processes.startStub();
  const orders: Record<typeof backend, BackendOrders> = {
    slow: { kind: "slow", ms: SLOW_BACKEND_MS },
    challenge: { kind: "challenge" },
    drip: {
      ...{ kind: "drip", bytes: DRIP_BYTES },
      ...{ cert: certificate?.cert ?? "", key: certificate?.key ?? "" },
    },
  };
  const args = ["run", "--config=tests/deno.json", "--allow-net=127.0.0.1"];
  return await processes.startServer(
    [...args, "bench/attack/backend.ts", JSON.stringify(orders[backend])],
  );
}

async function startGateway(
  processes: Processes,
  { flags = [], backend: kind }: Case,
  { dir, command }: Checkout,
  backend: Server,
  nats: Server | null,
): Promise<Server> {
  const [run = "", ...rest] = command;
  const isSecure = kind === "drip";
  return await processes.startGateway(
    backend,
    [
      ...flags,
      ...nats === null ? [] : [`--nats=nats://127.0.0.1:${nats.port}`],
      ...isSecure ? [`--backend=https://127.0.0.1:${backend.port}/`] : [],
    ],
    "piped",
    { dir, command: isSecure ? [run, TRUST, ...rest] : command },
  );
}

/** Connected and warm; each sends a CALL every so often. */
async function startHonest(processes: Processes, { port }: Server): Promise<Load> {
  const honest = await Load.start(processes, [{
    target: { hostname: "127.0.0.1", port, path: "/" },
    prefix: HONEST_PREFIX,
    clients: HONEST_CLIENTS,
    rampMs: 0,
    periodMs: PERIOD_MS,
    countsUnanswered: true,
  }]);
  await honest.order("go");
  if (!await honest.until(({ opened }) => opened === HONEST_CLIENTS, CONNECT_MS)) {
    throw new Error("the honest clients could not connect before the attack");
  }
  await honest.pause(WARM_UP_MS);
  return honest;
}

/** New clients, one by one for all the time, that send one CALL each; they wait for the word to. */
async function startNewcomers(
  processes: Processes,
  { port }: Server,
  seconds: number,
): Promise<Load> {
  return await Load.start(processes, [{
    target: { hostname: "127.0.0.1", port, path: "/" },
    prefix: "new",
    clients: Math.round(seconds * NEWCOMERS_PER_SECOND),
    rampMs: seconds * 1000,
    periodMs: null,
    maxCalls: 1,
  }]);
}

/**
 * @param calmMib What it was at the last look.
 * @returns The most resident memory, in MiB, of all the time that the process has lived.
 */
async function watchMemory(pid: number, forMs: number, calmMib: number): Promise<number> {
  const endAt = performance.now() + forMs;
  let peak = calmMib;
  for (let left; (left = endAt - performance.now()) > 0;) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(left, LOOK_MS)));
    peak = await peakMib(pid) ?? peak;
  }
  return peak;
}

/** As the kernel keeps it (proc_pid_status(5)); null when the process has ended. */
async function peakMib(pid: number): Promise<number | null> {
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(await cat([`/proc/${pid}/status`]))?.[1];
  return kib === undefined ? null : Number(kib) / 1024;
}

/** Reads lines as long as they come, so that whoever writes them never waits; keeps what it died of. */
function keepLast(lines: AsyncGenerator<string>): { readonly last: string } {
  const kept = { last: "" };
  const read = async (): Promise<void> => {
    for await (const line of lines) {
      const text = stripVTControlCharacters(line).trim().slice(0, SHOWN_ERROR_CHARS);
      if (text !== "" && !DEATH.test(kept.last)) kept.last = text;
    }
  };
  void read().catch(() => {});
  return kept;
}

function fareOf({ roundTrip, answersPerSecond }: LoadReport): Fare {
  return { p99Ms: roundTrip.percentile(99), answersPerSecond };
}

function cutNotes(honest: LoadReport, newcomers: LoadReport, newClients: number): string[] {
  const { lost, errors } = honest.totals;
  const notes: string[] = [];
  if (lost > 0) notes.push(`${lost} of ${HONEST_CLIENTS} honest clients cut`);
  if (errors > 0) notes.push(`${digits(errors)} honest CALLs refused`);
  const open = unanswered(honest.totals);
  if (open > 0) notes.push(`${digits(open)} never answered`);
  const { opened } = newcomers.totals;
  const slowest = newcomers.connect.percentile(100);
  if (opened < newClients) notes.push(`${opened} of ${newClients} new clients let in`);
  if (slowest > 1000) notes.push(`a new client waited up to ${ms(slowest)}`);
  return notes;
}

/** When the machine held up the honest clients' own process. */
function lateNote({ lateness }: LoadReport): string[] {
  const late = lateness.percentile(99);
  return late > LATE_MS ? [`(of the p99, the generator's own: up to ${ms(late)})`] : [];
}
