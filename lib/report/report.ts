/**
 * What the backend is told of a client beside its CALLs: how the CALLs to it ended, which CALLRESULTs
 * it could not use, and that it went. Values only: nothing is sent here.
 *
 * @module
 */

import { errorCode } from "../codec/error_code.ts";
import type { CallResultError } from "../codec/frame.ts";
import { errorBody } from "../codec/frame_text.ts";
import { type Dialect, dialectOf } from "../codec/subprotocol.ts";
import type { TraceContext } from "../codec/trace_context.ts";
import type { Report } from "../outbox/entry.ts";
import type { CallOutcome } from "./outcome.ts";

/** A CALL to a client, as its report names it. */
export interface ReportedCall {
  readonly action: string;
  readonly messageId: string;
  readonly trace?: TraceContext | undefined;
}

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
  { action, messageId, trace }: ReportedCall,
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

/** Why CALLs that an earlier process had accepted have no other outcome … */
export const RESTARTED = "the gateway was restarted";
/** … and those that a part of the gateway had accepted which has gone: a worker, another instance. */
export const CLIENT_LOST = "the gateway lost the client";

/**
 * The report of a CALL that was accepted by a part of the gateway which has gone.
 *
 * @param protocol The subprotocol of the client that it was for.
 */
export function lostReport(call: ReportedCall, protocol: string | null): Report {
  const outcome = { kind: "gone", wasSent: true, reason: CLIENT_LOST } as const;
  return outcomeReport(call, outcome, dialectOf(protocol), "");
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
