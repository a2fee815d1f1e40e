/**
 * What the backend is told of a client beside its CALLs: how the CALLs to it ended, which CALLRESULTs
 * it could not use, and that it went.
 *
 * @module
 */

import { cutDescription } from "../codec/description.ts";
import { errorCode } from "../codec/error_code.ts";
import type { CallResultError } from "../codec/frame.ts";
import { errorBody } from "../codec/frame_text.ts";
import { isSuccess } from "../codec/reply.ts";
import { backendPath, hookPath } from "../codec/route.ts";
import type { Dialect } from "../codec/subprotocol.ts";
import { type TraceContext, traceIdOf } from "../codec/trace_context.ts";
import type { Forwarder } from "../forwarder/forwarder.ts";
import type { Log } from "../log/log.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Backlog } from "../queue/backlog.ts";
import type { Identity } from "../identity.ts";
import type { CallOutcome } from "../client/pending.ts";

/** One message to the backend that must not be lost. */
export type Report =
  | {
    readonly kind: "result" | "error" | "resulterror";
    readonly action: string;
    readonly messageId: string;
    readonly body: string;
    readonly trace: TraceContext | undefined;
  }
  | { readonly kind: "disconnect"; readonly body: string; readonly trace?: undefined };

/**
 * The report of a CALL's end.
 *
 * @param call The CALL's names. Its trace goes along with the report, also where nothing is traced: so
 *   a backend that asked for the CALL can tell which of its requests caused what it gets.
 * @param outcome How it ended.
 * @param dialect The version whose error codes count.
 * @param callTimeoutText The call time-out in words.
 */
export function outcomeReport(
  { action, messageId, trace }: {
    readonly action: string;
    readonly messageId: string;
    readonly trace?: TraceContext | undefined;
  },
  outcome: CallOutcome,
  dialect: Dialect,
  callTimeoutText: string,
): Report {
  switch (outcome.kind) {
    case "result":
      return { kind: "result", action, messageId, body: outcome.payload, trace };
    case "error": {
      const body = errorBody(outcome.codeText, outcome.descriptionText, outcome.details);
      return { kind: "error", action, messageId, body, trace };
    }
    case "timeout":
      return genericError(`no answer within ${callTimeoutText}`);
    case "gone":
      return genericError(outcome.reason);
  }

  function genericError(description: string): Report {
    const code = JSON.stringify(errorCode("generic", dialect));
    const body = errorBody(code, JSON.stringify(description));
    return { kind: "error", action, messageId, body, trace };
  }
}

/**
 * How a CALL ended whose CALLRESULT is refused.
 *
 * @param why What is wrong with its payload.
 * @param dialect The version whose error codes count.
 */
export function refusedOutcome(why: string, dialect: Dialect): CallOutcome {
  return {
    kind: "error",
    // Not the code of what is wrong: from a client it would say that the CALL was.
    codeText: JSON.stringify(errorCode("generic", dialect)),
    descriptionText: JSON.stringify(cutDescription(`the client's answer was refused: ${why}`)),
    details: "{}",
  };
}

/**
 * The report of a CALLRESULTERROR.
 *
 * @param action The Action of the client's CALL whose CALLRESULT it cannot use.
 */
export function resultErrorReport(frame: CallResultError, action: string): Report {
  const { messageId, codeText, descriptionText, details } = frame;
  const body = errorBody(codeText, descriptionText, details);
  // The CALL that it belongs to, and its trace, are over.
  return { kind: "resulterror", action, messageId, body, trace: undefined };
}

/** The report of a connection's end. */
export function disconnectReport(code: number, reason: string): Report {
  return { kind: "disconnect", body: JSON.stringify({ code, reason }) };
}

export interface ReportDeps {
  readonly forwarder: Forwarder;
  readonly backlog: Backlog;
  readonly metrics: Metrics;
  readonly log: Log;
}

/**
 * Posts a report that has entered the backlog, and takes it out again. Never rejects: the forwarder
 * does not.
 */
export async function postReport(
  { forwarder, backlog, metrics, log }: ReportDeps,
  identity: Identity,
  report: Report,
): Promise<void> {
  const { kind, body, trace } = report;
  const { clientId, connectionId } = identity;
  const encodedId = encodeURIComponent(clientId);
  const path = report.kind === "disconnect"
    ? hookPath(report.kind, encodedId)
    : backendPath(report.kind, report.action, encodedId, report.messageId);
  metrics.requestsStarted.add(1);
  const reply = await forwarder.forward({ kind, path, body, origin: identity, trace });
  backlog.leave(body);
  if (reply.ok && isSuccess(reply.status)) {
    metrics.requestsSucceeded.add(1);
    return;
  }
  metrics.requestsFailed.add(1);
  metrics.reportsLost[kind].add(1);
  const failure = reply.ok ? `status ${reply.status}` : reply.fault;
  // Not limited as warnings are: each of these is a message lost.
  const names = report.kind === "disconnect"
    ? { clientId, connectionId, kind }
    : { clientId, connectionId, kind, action: report.action, messageId: report.messageId };
  const traced = trace === undefined ? {} : { traceId: traceIdOf(trace) };
  log.error("report not taken by the backend", { ...names, failure, ...traced });
}
