/**
 * What a generator process is told, and what it tells.
 *
 * @module
 */

import type { Report, Totals } from "./tally.ts";

/** Where the clients connect: an IPv4 address of this machine's loopback. */
export interface Target {
  readonly hostname: string;
  readonly port: number;
  /** The path before the ClientId, with slashes at both ends. */
  readonly path: string;
}

/** One process's part of the load; its argument, as JSON. */
export interface Part {
  readonly target: Target;
  /** Begins the ClientIds; differs between processes. */
  readonly prefix: string;
  readonly clients: number;
  /** The clients connect one by one within this time. */
  readonly rampMs: number;
  /** Between the CALLs of one client, a whole number; null for the next one at the answer. */
  readonly periodMs: number | null;
  /** A CALL that is due may wait so long for others, which leave together with it at less cost. */
  readonly gatherMs?: number;
  /** CALLs on one connection; without it there is no end of them. Not together with a period. */
  readonly maxCalls?: 0 | 1;
  /** Length of the payload's one string; without it the payload is `{}`. */
  readonly payloadBytes?: number;
  /**
   * When given, a client that is refused or cut tries again about that much later, and its next CALL
   * counts from its first try. Not together with a period.
   */
  readonly retryMs?: number;
  /**
   * CALLs that are not answered count for the round trips with their time until the end, and so do
   * those that were due on a client after it was cut: it would have sent them. Needs a period.
   */
  readonly countsUnanswered?: true;
}

/** A line on its standard input. `measure`: only what is intended from now on is in the round trips. */
export type Order = "go" | "measure" | "stop";

/** A line on its standard output, as JSON. */
export type Line =
  | { readonly kind: "ready" }
  | { readonly kind: "progress"; readonly totals: Totals }
  | { readonly kind: "final"; readonly report: Report };
