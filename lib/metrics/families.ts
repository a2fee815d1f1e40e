/**
 * What the gateway counts: names, help and labels.
 *
 * @module
 */

import { ERROR_CODES } from "../codec/error_code.ts";
import { FRAME_KINDS } from "../codec/frame.ts";
import { REQUEST_KINDS } from "../codec/route.ts";
import { LIMITED_LEVELS } from "../log/line_limit.ts";
import { counter, counterBy, counterByTwo, gauge, gaugeBy, histogram } from "./family.ts";
import {
  API_STATUSES,
  BOUNDS,
  CALL_FAILURES,
  CLOSE_REASONS,
  HANDSHAKE_REASONS,
  REFUSAL_REASONS,
  UNREAD_STATUSES,
} from "./labels.ts";

/** What came of one request to the backend. */
const BACKEND_OUTCOMES = [
  "2xx",
  /** An error that the backend means: a status 501, or one with a `code`. Of CALLs and SENDs. */
  "refused",
  "4xx",
  "5xx",
  "timeout",
  "unreachable",
  /** The connection broke, or what came is no answer that can be used. */
  "invalid",
] as const;
export type BackendOutcome = (typeof BACKEND_OUTCOMES)[number];

/** The label of a connection without a subprotocol. */
export const NO_PROTOCOL = "none";

/** A fault that is no bad frame: an answer to no CALL that is outstanding, or an error of no answer. */
export const UNMATCHED = "unmatched";

/** All that is counted; each thread of a process must use the same subprotocols. */
export function familiesOf(protocols: readonly string[]) {
  const kind = ["kind", REQUEST_KINDS] as const;
  return {
    connections: gaugeBy(
      "ws2api_connections",
      "Clients connected, by subprotocol.",
      "protocol",
      [...protocols, NO_PROTOCOL],
    ),
    sockets: gauge(
      "ws2api_sockets",
      "WebSockets held, those that open or close and upgrades that wait for the backend included.",
    ),
    opened: counter("ws2api_connections_opened_total", "Clients that connected."),
    closed: counterBy(
      "ws2api_connections_closed_total",
      "Connections that ended, by reason.",
      "reason",
      CLOSE_REASONS,
    ),
    refused: counterBy(
      "ws2api_upgrades_refused_total",
      "Clients that were not let in, by reason.",
      "reason",
      REFUSAL_REASONS,
    ),
    requestsRefused: counterBy(
      "ws2api_requests_refused_total",
      "What was no request, or could not be served by anybody, by status.",
      "status",
      UNREAD_STATUSES,
    ),
    handshakesFailed: counterBy(
      "ws2api_tls_handshakes_failed_total",
      "TLS handshakes that failed, by reason.",
      "reason",
      HANDSHAKE_REASONS,
    ),
    frames: counterByTwo(
      "ws2api_frames_total",
      "Frames from (in) and to (out) clients, by type.",
      ["direction", ["in", "out"]],
      ["type", FRAME_KINDS],
    ),
    faults: counterBy(
      "ws2api_faults_total",
      "Texts that were no valid frames, by the CALLERROR code for that; unmatched: an answer to nothing that is known.",
      "code",
      [...ERROR_CODES, UNMATCHED],
    ),
    invalidPayloads: counterByTwo(
      "ws2api_invalid_payloads_total",
      "Payloads that are not as their schema says, from (in) and to (out) clients, by type.",
      ["direction", ["in", "out"]],
      ["type", ["call", "result", "send"]],
    ),
    rateLimited: counter(
      "ws2api_rate_limited_total",
      "CALLs and SENDs that had to wait because of --client-rate.",
    ),
    queueFull: counterBy(
      "ws2api_queue_full_total",
      "Messages of clients that found their queue full, by type: CALLs answered with an error, others dropped.",
      "type",
      ["call", "send", "resulterror"],
    ),
    repeatedCalls: counter(
      "ws2api_repeated_calls_total",
      "CALLs that a client sent again while they were being handled; the one answer serves both.",
    ),
    backendRequests: counterByTwo(
      "ws2api_backend_requests_total",
      "Requests to the backend, each try counted, by kind and outcome.",
      kind,
      ["outcome", BACKEND_OUTCOMES],
    ),
    backendRetries: counterBy(
      "ws2api_backend_retries_total",
      "Requests to the backend that were tried again, by kind.",
      ...kind,
    ),
    backendSeconds: histogram(
      "ws2api_backend_request_seconds",
      "One request to the backend, from sending to the whole answer.",
      BOUNDS,
    ),
    callSeconds: histogram(
      "ws2api_call_seconds",
      "A client's CALL that the backend answered, from its frame to the frame that answers it.",
      BOUNDS,
    ),
    callsFailed: counterBy(
      "ws2api_calls_failed_total",
      "CALLs of clients that got an error of the gateway's own or no answer, by cause.",
      "cause",
      CALL_FAILURES,
    ),
    apiCallSeconds: histogram(
      "ws2api_api_call_seconds",
      "A CALL to a client, from its acceptance to its outcome.",
      BOUNDS,
    ),
    apiRequests: counterBy(
      "ws2api_api_requests_total",
      "Requests to the HTTP API, by status.",
      "status",
      API_STATUSES,
    ),
    reportsLost: counterBy(
      "ws2api_reports_lost_total",
      "Messages that must not be lost and were dropped, by kind.",
      ...kind,
    ),
    reportsParked: counterBy(
      "ws2api_reports_parked_total",
      "Messages to the backend that are not tried any more and kept for inspection, by kind.",
      ...kind,
    ),
    outbox: gaugeBy(
      "ws2api_outbox",
      "Messages that must reach the backend: those that wait or are under way, and those parked.",
      "state",
      ["waiting", "parked"],
    ),
    outboxBytes: gaugeBy("ws2api_outbox_bytes", "What their bodies come to.", "state", [
      ...["waiting", "parked"] as const,
    ]),
    outboxOldest: gauge(
      "ws2api_outbox_oldest_seconds",
      "How long the oldest of those that wait has waited.",
      "max",
    ),
    outboxPlaces: gauge(
      "ws2api_outbox_places",
      "Places taken of --max-reports: accepted CALLs whose outcome the backend has not.",
    ),
    resultErrorsWaiting: gauge(
      "ws2api_resulterrors_waiting",
      "CALLRESULTERRORs that the backend has not taken.",
    ),
    slotsTaken: gauge(
      "ws2api_backend_connections",
      "Requests to the backend under way; --backend-connections bounds them, for each worker.",
    ),
    slotsAwaited: gauge(
      "ws2api_backend_requests_waiting",
      "Requests that wait until fewer are under way.",
    ),
    slotsHanging: gauge(
      "ws2api_backend_requests_hanging",
      "CALLs and SENDs at the backend for longer than a second; looked at only while many are under way or some wait.",
    ),
    slowClients: gauge(
      "ws2api_slow_clients",
      "Clients whose last CALL took longer than a second, and that wait behind others; known only while CALLs hang.",
    ),
    requestsStarted: counter(
      "ws2api_requests_started_total",
      "Messages handed to the forwarder; one that is tried again counts once.",
    ),
    requestsSucceeded: counter("ws2api_requests_succeeded_total", "Those that the backend took."),
    requestsFailed: counter("ws2api_requests_failed_total", "Those that it did not."),
    workerDeaths: counter(
      "ws2api_worker_deaths_total",
      "Workers that died, and were started again.",
    ),
    waiting: gauge(
      "ws2api_waiting",
      "CALLs and SENDs of all clients that wait for the backend.",
    ),
    waitingChars: gauge(
      "ws2api_waiting_chars",
      "What their payloads come to, in UTF-16 code units.",
    ),
    connectsWaiting: gauge(
      "ws2api_connects_waiting",
      "Upgrades that wait for the backend's answer to the connect hook.",
    ),
    disconnectsWaiting: gauge(
      "ws2api_disconnects_waiting",
      "Ends of connections that the backend has not taken.",
    ),
    outstanding: gauge("ws2api_outstanding_calls", "CALLs that a client has not answered."),
    queuedCalls: gauge("ws2api_queued_calls", "CALLs to clients that wait for their turn."),
    backendAway: gauge(
      "ws2api_backend_away",
      "Workers for which the backend is away: a CALL could not reach it for --away-hold, or all requests got 502, 503 or 504 for 5 s.",
    ),
    backendOutSince: gauge(
      "ws2api_backend_out_since_seconds",
      "Since when the backend cannot be reached or is away, in seconds since 1970; 0 while all is well.",
      "earliest",
    ),
    heldCalls: gauge(
      "ws2api_held_calls",
      "CALLs of clients that wait until the backend can be reached.",
    ),
    droppedCalls: counterBy(
      "ws2api_dropped_calls_total",
      "CALLs that were not answered, and SENDs that were dropped, because the client was closed while the backend was away, by type.",
      "type",
      ["call", "send"],
    ),
    linesSuppressed: counterBy(
      "ws2api_log_lines_suppressed_total",
      "Lines that the log left out, since there were too many of one event or client, by level.",
      "level",
      LIMITED_LEVELS,
    ),
    natsConnected: gauge(
      "ws2api_nats_connected",
      "Workers that are connected to NATS; all of ws2api_workers should be.",
    ),
    natsReconnects: counter(
      "ws2api_nats_reconnects_total",
      "Connections to NATS after a lost one.",
    ),
    natsRoundTrip: gauge(
      "ws2api_nats_round_trip_seconds",
      "How long NATS took to answer for the last time, looked at every 3 s; the worst worker.",
      "max",
    ),
    natsRequestsFailed: counter(
      "ws2api_nats_requests_failed_total",
      "Requests to other instances that failed or were not answered in time.",
    ),
    natsPeers: gauge(
      "ws2api_nats_peers",
      "Other instances that are heard of over NATS; workers are an instance each.",
      "max",
    ),
    natsPeersSilent: gauge(
      "ws2api_nats_peers_silent",
      "Instances that fell silent without a farewell: a client that is not found may be with them.",
      "max",
    ),
    eventLoopLag: gauge(
      "ws2api_event_loop_lag_seconds",
      "How late a timer was in the last second; the worst worker.",
      "max",
    ),
  };
}
