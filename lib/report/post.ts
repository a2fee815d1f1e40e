/**
 * The way of reports to the backend.
 *
 * @module
 */

import { isSuccess } from "../codec/reply.ts";
import { backendPath, hookPath } from "../codec/route.ts";
import { traceIdOf } from "../codec/trace_context.ts";
import { ask, type BackendReply, type Forwarder } from "../forwarder/forwarder.ts";
import type { Identity } from "../identity.ts";
import type { Log } from "../log/log.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Backlog } from "../queue/backlog.ts";
import type { Report } from "../outbox/entry.ts";

export interface PostDeps {
  readonly forwarder: Forwarder;
  readonly backlog: Backlog;
  readonly metrics: Pick<
    Metrics,
    "requestsStarted" | "requestsSucceeded" | "requestsFailed" | "reportsLost"
  >;
  readonly log: Log;
}

/** A report is to be posted: it waits for the backend from now on. */
export function enterBacklog(backlog: Backlog, { kind, body }: Report): void {
  if (kind === "disconnect") backlog.enterDisconnect();
  else backlog.enter(body);
}

function leaveBacklog(backlog: Backlog, { kind, body }: Report): void {
  if (kind === "disconnect") backlog.leaveDisconnect();
  else backlog.leave(body);
}

/** Posts a report that has entered the backlog, and takes it out again. Never rejects. */
export async function postReport(
  deps: PostDeps,
  identity: Identity,
  report: Report,
): Promise<void> {
  const { backlog, metrics, log } = deps;
  const { kind, trace } = report;
  const { clientId, connectionId } = identity;
  metrics.requestsStarted.add(1);
  let reply: BackendReply;
  try {
    reply = await forward(deps, identity, report);
  } catch (error) {
    // A fault of ours, such as a name that no URL can hold: it costs this report, and nothing else.
    log.error("a report failed", { clientId, connectionId, error: String(error) });
    reply = { ok: false, fault: "unusable" };
  }
  leaveBacklog(backlog, report);
  if (reply.ok && isSuccess(reply.status)) {
    metrics.requestsSucceeded.add(1);
    return;
  }
  metrics.requestsFailed.add(1);
  metrics.reportsLost[kind].add(1);
  const failure = reply.ok ? `status ${reply.status}` : reply.fault;
  // Each of these is a message lost, so the log writes far more of them than of warnings.
  const names = report.kind === "disconnect"
    ? { clientId, connectionId, kind }
    : { clientId, connectionId, kind, action: report.action, messageId: report.messageId };
  const traced = trace === undefined ? {} : { traceId: traceIdOf(trace) };
  log.error("report not taken by the backend", { ...names, failure, ...traced });
}

function forward(
  { forwarder }: PostDeps,
  identity: Identity,
  report: Report,
): Promise<BackendReply> {
  const { kind, body, trace } = report;
  const encodedId = encodeURIComponent(identity.clientId);
  const path = report.kind === "disconnect"
    ? hookPath(report.kind, encodedId)
    : backendPath(report.kind, report.action, encodedId, report.messageId);
  return ask(forwarder, { kind, path, body, origin: identity, trace });
}

/**
 * Posts a report behind no other of its client: it has no connection, or none any more. Never rejects;
 * a shutdown waits for it, because it is in the backlog.
 */
export function postAlone(deps: PostDeps, identity: Identity, report: Report): Promise<void> {
  enterBacklog(deps.backlog, report);
  return postReport(deps, identity, report);
}
