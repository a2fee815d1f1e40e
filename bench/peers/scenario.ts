/**
 * What is measured of the contenders.
 *
 * @module
 */

import { type Scenario, start } from "../compare/round.ts";
import type { Turn } from "../compare/results.ts";
import { Load } from "../load/load.ts";
import type { Processes } from "../process/processes.ts";
import { residentKib } from "../process/usage.ts";
import type { Peer } from "./contender.ts";

/** A load, and how it is called for people. */
export interface LoadScenario extends Scenario {
  readonly title: string;
}

export const LOADS: readonly LoadScenario[] = [
  closedLoop(1, "1 client"),
  closedLoop(64, "64 clients"),
  closedLoop(1000, "1,000 clients"),
  {
    name: "open",
    title: "Open loop, 2,000 messages/s from 1,000 clients",
    clients: 1000,
    rampMs: 1000,
    periodMs: 500,
  },
];

function closedLoop(clients: number, who: string): LoadScenario {
  return {
    name: `closed-${clients}`,
    title: `Closed loop, ${who}`,
    clients,
    rampMs: Math.min(1000, clients * 2),
    periodMs: null,
  };
}

/** What a process starts with (compiling, loading) is over by then. */
const START_MS = 1000;
/** An idle client connects each so many milliseconds: what any contender can take. */
const CONNECT_MS = 0.7;
/** For the last ones to connect, on a machine that is busy. */
const PATIENCE_MS = 60_000;

/**
 * Connects idle clients to a fresh server and compares its memory with that before.
 *
 * @param settleMs How long the clients are idle before the second look.
 */
export async function takeIdleTurn(
  processes: Processes,
  peer: Peer,
  clients: number,
  settleMs: number,
): Promise<Turn> {
  const { server } = await start(processes, peer);
  const target = { hostname: "127.0.0.1", port: server.port, path: "/" };
  const rampMs = clients * CONNECT_MS;
  const load = await Load.start(processes, [
    { target, prefix: "idle", clients, rampMs, periodMs: null, maxCalls: 0 },
  ]);
  await load.pause(START_MS);
  const emptyKib = await residentKib([server.pid]);
  await load.order("go");
  await load.settled(rampMs + PATIENCE_MS);
  await load.pause(settleMs);
  const fullKib = await residentKib([server.pid]);
  const { open } = load.totals;
  return {
    sample: { emptyMib: emptyKib / 1024, clientKib: (fullKib - emptyKib) / open },
    trouble: open === clients ? null : `${open} of ${clients} are connected`,
  };
}
