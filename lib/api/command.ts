/**
 * Who commanded what: a line of the log for each command.
 *
 * @module
 */

import { decodeSegment } from "../codec/route.ts";
import type { Token } from "../config/token.ts";
import type { Log, LogFields } from "../log/log.ts";
import { ANYBODY } from "./authorize.ts";

/** A request that changes something, its names as they stand in its path. */
export interface Command {
  readonly kind:
    | "call"
    | "send"
    | "disconnect"
    | "retry_report"
    | "retry_parked"
    | "remove_report"
    | "record"
    | "end_recording"
    | "remove_recording";
  readonly clientId?: string | undefined;
  readonly action?: string | undefined;
  readonly messageId?: string | undefined;
  /** Of a report in the outbox. */
  readonly reportId?: string | undefined;
  readonly recordingId?: string | undefined;
}

/** What came of it. */
export interface CommandEnd {
  /** The response; undefined when a bug has taken its place. */
  readonly response: Response | undefined;
  /** From the request to the response. */
  readonly durationMs: number;
}

/**
 * Says who commanded what to whom, what came of it, and how long that took. No line is left out, however
 * many there are, of those whose token may command; others, whom nobody may know, write no more than the
 * log's limit.
 */
export function logCommand(
  log: Pick<Log, "audit" | "info">,
  token: Token,
  { kind, action, clientId, messageId, reportId, recordingId }: Command,
  { response, durationMs }: CommandEnd,
): void {
  const status = response?.status ?? 500;
  const isKnown = token !== ANYBODY && status !== 403;
  const fields = {
    token: token.name,
    command: kind,
    ...(clientId !== undefined && { clientId: named(clientId) }),
    ...(action !== undefined && { action: named(action) }),
    ...(messageId !== undefined && { messageId: named(messageId) }),
    ...(reportId !== undefined && { reportId: named(reportId) }),
    ...(recordingId !== undefined && { recordingId: named(recordingId) }),
    status,
    ...outcomeOf(kind, response),
    durationMs: Math.round(durationMs),
  };
  if (isKnown) log.audit("command", fields);
  else log.info("command", fields);
}

/** How far a CALL or SEND got, as its sender is told; of a bug nobody knows. */
function outcomeOf(kind: Command["kind"], response: Response | undefined): LogFields {
  if (kind !== "call" && kind !== "send") return {};
  const outcome = response === undefined
    ? "unknown"
    : response.headers.get("ws2api-outcome") ?? "not-sent";
  // What was answered before is answered again, and nothing is sent.
  const isReplayed = response?.headers.get("idempotency-replayed") === "true";
  return { outcome, ...(isReplayed && { isReplayed }) };
}

/** A name as it is meant, or as it stands there if it is none. */
function named(raw: string): string {
  return decodeSegment(raw) ?? raw;
}
