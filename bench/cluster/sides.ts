/**
 * Callers and clients on two sides: two instances, or two workers.
 *
 * @module
 */

import { Load } from "../load/load.ts";
import type { Part } from "../load/part.ts";
import { lineOf, type Processes, type Server } from "../process/processes.ts";
import { Caller } from "./caller.ts";

/** A caller and a client that it calls. */
export interface Pair {
  readonly caller: Caller;
  readonly clientId: string;
}

/** Who is where: side 0 or side 1. */
export interface Sides {
  readonly callers: readonly (readonly Caller[])[];
  readonly clientIds: readonly (readonly string[])[];
}

/** Of each, on both sides together. */
const COUNT = 96;
const CONNECT_MS = 10_000;
/** What tells where a caller is: so many clients of each side, so many CALLs to each. */
const REFERENCES = 4;
const CALLS = 15;
const WARM_UP_CALLS = 40;

/** Two gateways: everybody is where its port is. */
export async function sidesOfInstances(
  processes: Processes,
  instances: readonly Server[],
): Promise<Sides> {
  const parts = instances.map(({ port }, side) => partOf(port, `side${side}-`, COUNT / 2));
  await connectClients(processes, parts);
  return {
    callers: await Promise.all(
      instances.map(({ port }, side) => connectCallers(port, `side${side}-`, COUNT / 2)),
    ),
    clientIds: parts.map(({ prefix }) => idsOf(prefix, COUNT / 2)),
  };
}

/**
 * Two workers of one gateway. The kernel has dealt the connections out. Of a client the log says where
 * it is; of a caller, how long its CALLs take to clients of either side.
 *
 * @param gateway Logs each client that connects, as JSON, to be had here.
 * @throws When a side stays empty.
 */
export async function sidesOfWorkers(
  processes: Processes,
  { port, errorLines }: Server,
): Promise<Sides> {
  await connectClients(processes, [partOf(port, "cp", COUNT)]);
  const clientIds: [string[], string[]] = [[], []];
  for (let i = 0; i < COUNT; i++) {
    const line = await lineOf(errorLines!, /"client connected"/, "the log of the clients");
    const { clientId, worker } = JSON.parse(line.input);
    clientIds[worker - 1]!.push(clientId);
  }
  const callers: [Caller[], Caller[]] = [[], []];
  const all = await connectCallers(port, "c", COUNT);
  for (let i = 0; i < WARM_UP_CALLS; i++) {
    await Promise.all(all.map((caller, k) => caller.call(`cp${k}`)));
  }
  const references = clientIds.map((ids) => ids.slice(0, REFERENCES));
  for (const caller of all) {
    const [first, second] = [
      await timeTo(caller, references[0]!),
      await timeTo(caller, references[1]!),
    ];
    callers[first < second ? 0 : 1].push(caller);
  }
  return { callers, clientIds };
}

/**
 * Pairs with a caller and a client each of their own.
 *
 * @param isLocal Whether the two are on the same side.
 * @throws When there are not so many.
 */
export function pairsOf({ callers, clientIds }: Sides, isLocal: boolean, count: number): Pair[] {
  return [0, 1].flatMap((side) => {
    const from = callers[side]!.slice(0, count / 2);
    const to = clientIds[isLocal ? side : 1 - side]!.slice(0, count / 2);
    if (Math.min(from.length, to.length) < count / 2) throw new Error("too few on one side");
    return from.map((caller, i) => ({ caller, clientId: to[i]! }));
  });
}

function partOf(port: number, prefix: string, clients: number): Part {
  const target = { hostname: "127.0.0.1", port, path: "/" };
  return { target, prefix, clients, rampMs: 0, periodMs: null, maxCalls: 0 };
}

/** Clients that only answer. @throws When one is not let in. */
async function connectClients(processes: Processes, parts: readonly Part[]): Promise<void> {
  const load = await Load.start(processes, parts);
  await load.order("go");
  const areOpen = await load.until(({ open }) => open === COUNT, CONNECT_MS);
  if (!areOpen) throw new Error("not all clients were let in");
}

async function connectCallers(port: number, name: string, count: number): Promise<Caller[]> {
  return await Promise.all(idsOf(name, count).map((each) => Caller.connect(port, each)));
}

function idsOf(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i}`);
}

/** In all; of each client the lower quartile, as what else this machine does only makes it longer. */
async function timeTo(caller: Caller, clientIds: readonly string[]): Promise<number> {
  let sum = 0;
  for (const clientId of clientIds) {
    const times: number[] = [];
    for (let i = 0; i < CALLS; i++) times.push(await caller.call(clientId));
    sum += times.sort((a, b) => a - b)[CALLS >> 2]!;
  }
  return sum;
}
