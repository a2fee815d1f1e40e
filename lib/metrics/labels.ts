/**
 * Values of labels, and bounds of histograms.
 *
 * @module
 */

/** Statuses that the API answers with. */
export const API_STATUSES: readonly string[] = [
  ...["200", "202", "204", "400", "401", "403", "404", "405"],
  ...["409", "410", "413", "422", "429", "500", "503", "504"],
];

/** Seconds. From what a CALL takes on one machine to the longest time-out that is usual. */
export const BOUNDS = [
  ...[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05],
  ...[0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
];

/** Why a connection ended. */
export const CLOSE_REASONS = [
  /** The client closed it. */
  "client",
  /** It broke off, or the client fell silent. */
  "lost",
  "replaced",
  "operator",
  "shutdown",
  "queue_full",
  /** The client did not read what was sent to it. */
  "not_reading",
  "binary",
  "too_large",
  /** Too many frames that led nowhere. */
  "idle_frames",
  /** Its frames took too long to parse. */
  "parse_time",
  "memory",
  "worker_died",
] as const;
export type CloseReason = (typeof CLOSE_REASONS)[number];
