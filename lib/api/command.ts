/**
 * Who commanded what: a line of the log for each command.
 *
 * @module
 */

import { decodeSegment } from "../codec/route.ts";
import type { Token } from "../config/token.ts";
import type { Log } from "../log/log.ts";
import { ANYBODY } from "./authorize.ts";

/** A request that changes something, its names as they stand in its path. */
export interface Command {
  readonly kind:
    | "call"
    | "send"
    | "disconnect"
    | "retry_report"
    | "retry_parked"
    | "remove_report";
  readonly clientId?: string | undefined;
  readonly action?: string | undefined;
  readonly messageId?: string | undefined;
  /** Of a report in the outbox. */
  readonly reportId?: string | undefined;
}

/**
 * Says who commanded what to whom, and what came of it. No line is left out, however many there are,
 * of those whose token may command; others, whom nobody may know, write no more than the log's limit.
 *
 * @param status The HTTP status of the answer.
 */
export function logCommand(
  log: Pick<Log, "audit" | "info">,
  token: Token,
  { kind, action, clientId, messageId, reportId }: Command,
  status: number,
): void {
  const isKnown = token !== ANYBODY && status !== 403;
  const fields = {
    token: token.name,
    command: kind,
    ...(clientId !== undefined && { clientId: named(clientId) }),
    ...(action !== undefined && { action: named(action) }),
    ...(messageId !== undefined && { messageId: named(messageId) }),
    ...(reportId !== undefined && { reportId: named(reportId) }),
    status,
  };
  if (isKnown) log.audit("command", fields);
  else log.info("command", fields);
}

/** A name as it is meant, or as it stands there if it is none. */
function named(raw: string): string {
  return decodeSegment(raw) ?? raw;
}
