/**
 * What is measured of a contender.
 *
 * @module
 */

/** A number that a turn gives; rates are of a second, times of CPU in seconds. */
export type Metric =
  | "answersPerSecond"
  | "p50Ms"
  | "p99Ms"
  /** CPU time of the server for 10,000 messages. */
  | "cpuSeconds"
  /** Processors kept busy: 1 is a whole one. */
  | "serverCores"
  | "backendCores"
  | "loadCores"
  /** Resident before the first client, and for each client more than that. */
  | "emptyMib"
  | "clientKib";

/** One turn's numbers. */
export type Sample = Readonly<Partial<Record<Metric, number>>>;

export type Scenario =
  | {
    readonly kind: "load";
    /** As `--only` has it. */
    readonly name: string;
    readonly title: string;
    readonly clients: number;
    readonly rampMs: number;
    /** Null for the closed loop. */
    readonly periodMs: number | null;
    /** What the ratios are of. */
    readonly compared: Metric;
  }
  | {
    readonly kind: "idle";
    readonly name: string;
    readonly title: string;
    readonly clients: number;
    readonly compared: Metric;
  };

/** Compiles what is hot, and fills pools and caches, before the first turn that counts. */
export const WARM_UP = {
  clients: 64,
  rampMs: 200,
  periodMs: null,
} as const;

/** @param idleClients Clients in the memory scenario. */
export function scenarios(idleClients: number): readonly Scenario[] {
  return [
    closedLoop(1),
    closedLoop(64),
    closedLoop(1000),
    {
      kind: "load",
      name: "open",
      title: "Open loop, 2,000 messages/s from 1,000 clients",
      clients: 1000,
      // Two periods: the clients' CALLs are then spread evenly.
      rampMs: 1000,
      periodMs: 500,
      compared: "cpuSeconds",
    },
    {
      kind: "idle",
      name: "idle",
      title: `Memory, ${idleClients.toLocaleString("en")} idle clients`,
      clients: idleClients,
      compared: "clientKib",
    },
  ];
}

function closedLoop(clients: number): Scenario {
  const who = clients === 1 ? "1 client" : `${clients.toLocaleString("en")} clients`;
  return {
    kind: "load",
    name: `closed-${clients}`,
    title: `Closed loop, ${who}`,
    clients,
    rampMs: Math.min(1000, clients * 2),
    periodMs: null,
    compared: "answersPerSecond",
  };
}
