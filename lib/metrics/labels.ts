/**
 * Values of labels, and bounds of histograms.
 *
 * @module
 */

/** Why an upgrade was refused. */
export const REFUSAL_REASONS = [
  /** Not below `--ws-path`. */
  "path",
  "client_id",
  /** A page of another origin, or a name that was pointed here. */
  "origin",
  /** The request is no valid WebSocket handshake. */
  "handshake",
  /** None offered where one is needed, or none in common. */
  "protocol",
  /** The proxy's word about the client's certificate cannot be read. */
  "certificate",
  /** The backend said no. */
  "denied",
  /** The backend could not say. */
  "backend",
  /** Too much waits for the backend: answers to the connect hook, or ends of connections. */
  "hooks",
  "connections",
  "memory",
  "rate",
  "shutdown",
  /** The client went before it was let in. */
  "gone",
] as const;
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

/** Why a TLS handshake failed. */
export const HANDSHAKE_REASONS = [
  /** What came is not TLS. */
  "not_tls",
  /** No version, cipher suite or kind of signature that both sides have. */
  "no_common",
  /** The client broke it off with an alert: it does not trust the certificate, mostly. */
  "client",
  "broken",
  "timeout",
  "other",
] as const;
export type HandshakeReason = (typeof HANDSHAKE_REASONS)[number];

/** What is answered to requests that are refused before anybody could serve them. */
export const UNREAD_STATUSES = ["400", "403", "408", "417", "431"] as const;
export type UnreadStatus = (typeof UNREAD_STATUSES)[number];

/** Statuses that the API answers with. */
export const API_STATUSES: readonly string[] = [
  ...["200", "202", "204", "400", "401", "403", "404", "405"],
  ...["409", "410", "413", "422", "429", "500", "503", "504"],
];

/**
 * Seconds. From what a CALL takes on one machine to the longest time-out that is usual; from 1 ms on no
 * bound is more than 1.6 times the one before, so that a percentile is off by no more than that.
 */
export const BOUNDS = [
  ...[0.0005, 0.001, 0.0016, 0.0025, 0.0035, 0.005, 0.007],
  ...[0.01, 0.016, 0.025, 0.035, 0.05, 0.07],
  ...[0.1, 0.16, 0.25, 0.35, 0.5, 0.7],
  ...[1, 1.6, 2.5, 3.5, 5, 7],
  ...[10, 14, 20, 30, 45, 60],
];

/** Why a client's CALL got no answer of the backend's. */
export const CALL_FAILURES = [
  /** The gateway did not take it: its queue is full, too much waits, it is no valid CALL. */
  "refused",
  /** The backend answered with what is no answer, or not in time. */
  "backend",
  /** The backend could not be reached. */
  "unreachable",
  /** It was dropped or answered because the backend is away. */
  "away",
] as const;
export type CallFailure = (typeof CALL_FAILURES)[number];

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
  /** The backend was away when the client had a CALL for it. */
  "backend_away",
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
