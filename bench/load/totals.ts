/**
 * What the generator processes tell the one that started them, a JSON line each.
 *
 * @module
 */

/** Counts since the start. */
export interface Totals {
  /** Clients connected now. */
  open: number;
  opened: number;
  /** Clients that never opened. */
  failed: number;
  /** Clients that were open and then cut off. */
  lost: number;
  /** CALLs. */
  sent: number;
  /** CALLRESULTs. */
  answered: number;
  /** CALLERRORs. */
  errors: number;
  /** Messages that answer no CALL. */
  bad: number;
}

/** A generator's last word. Its latencies are histograms as `Latencies.encode` writes them. */
export interface FinalReport {
  readonly totals: Totals;
  /** Answers a second from when all its clients were open until it stopped sending; 0 without such a time. */
  readonly answersPerSecond: number;
  readonly connect: string;
  readonly roundTrip: string;
  /** By how much CALLs left later than intended: what the generator itself adds to the round trips. */
  readonly lateness: string;
  /** The first few reasons of clients that failed or were lost. */
  readonly reasons: readonly string[];
}

export type Line =
  | { readonly kind: "ready" }
  | { readonly kind: "progress"; readonly totals: Totals }
  /** The warm-up is over: what follows counts. */
  | { readonly kind: "measuring"; readonly totals: Totals }
  | { readonly kind: "final"; readonly report: FinalReport };

export function noTotals(): Totals {
  return { open: 0, opened: 0, failed: 0, lost: 0, sent: 0, answered: 0, errors: 0, bad: 0 };
}

/** The sum of all processes' counts. */
export function sumOf(all: Iterable<Totals>): Totals {
  const sum = noTotals();
  for (const totals of all) {
    for (const name of Object.keys(sum) as (keyof Totals)[]) sum[name] += totals[name];
  }
  return sum;
}

/** How much went wrong: 0 for a clean run. CALLs without an answer count when it is over. */
export function troubles(totals: Totals): number {
  return totals.failed + totals.lost + totals.errors + totals.bad;
}

export function unanswered(totals: Totals): number {
  return totals.sent - totals.answered - totals.errors;
}
