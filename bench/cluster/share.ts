/**
 * What a generator process is told, and what it tells.
 *
 * @module
 */

/** One process's share of the load; its argument, as JSON. */
export interface Share {
  /** Loopback addresses of the gateway, taken in turn: each has ports for 28,000 clients. */
  readonly hostnames: readonly string[];
  readonly port: number;
  /** Begins the ClientIds; differs between processes. */
  readonly prefix: string;
  readonly clients: number;
  /** The clients connect one by one within this time. */
  readonly rampMs: number;
  /** Between the CALLs of one client, a whole number; null for the next one at the answer. */
  readonly periodMs: number | null;
  /** For answers under way when the sending stops. */
  readonly graceMs: number;
}

/** A line on its standard input. `measure`: only what is intended from now on is in the round trips. */
export type Order = "go" | "measure" | "stop";
