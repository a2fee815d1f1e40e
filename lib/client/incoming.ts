/**
 * What comes from a client: the frames that are refused, and where the others belong.
 *
 * Nothing here has state: each function is given the part of its connection that the frame is for.
 *
 * @module
 */

import { errorCode, type ErrorMeaning } from "../codec/error_code.ts";
import type { Call, CallError, CallResult, CallResultError, FrameFault } from "../codec/frame.ts";
import { answerToFault, callErrorText, callResultErrorText } from "../codec/frame_text.ts";
import type { Dialect } from "../codec/subprotocol.ts";
import { type Identity, namesOf } from "../identity.ts";
import type { Log } from "../log/log.ts";
import { type Metrics, UNMATCHED } from "../metrics/metrics.ts";
import type { Backlog } from "../queue/backlog.ts";
import { type CallOutcome, refusedOutcome } from "../report/outcome.ts";
import { type Report, resultErrorReport } from "../report/report.ts";
import type { Inspect } from "../validate/inspector.ts";
import { describeViolation } from "../validate/violation.ts";
import type { Calls } from "./calls.ts";
import type { Pending } from "./pending.ts";
import type { SentResults } from "./sent_results.ts";

/** The connection that a frame came on. */
export interface Receiver extends Identity {
  readonly dialect: Dialect;
  /** Sends a frame; one for a connection that is closed is dropped. */
  write(text: string): void;
  /** Parses what this client sent; undefined for what is no JSON. */
  parse(text: string): unknown;
}

export interface IncomingDeps {
  readonly backlog: Backlog;
  readonly metrics: Pick<Metrics, "faults" | "reportsLost">;
  readonly log: Log;
  /** Checks payloads against their schemas; undefined when nothing is checked. */
  readonly inspect?: Inspect | undefined;
}

/** Answers what is no frame, where the client gets an answer. */
export function refuseFrame(
  on: Receiver,
  { metrics, log }: { readonly metrics: Pick<Metrics, "faults">; readonly log: Log },
  fault: FrameFault,
): void {
  const { meaning, messageIdText, reason } = fault;
  // A type that is not known is told by the name that the only version has which answers it.
  const code = errorCode(meaning, meaning === "unknown_type" ? "ocpp2.0.1" : on.dialect);
  metrics.faults[code]?.add(1);
  const messageId = JSON.parse(messageIdText) as string;
  log.warn("frame refused", { ...namesOf(on), messageId, code, reason });
  const answer = answerToFault(fault, on.dialect);
  if (answer !== null) on.write(answer);
}

/**
 * Whether a CALL or SEND may wait for the backend. A CALL that may not has been answered.
 *
 * @param calls Those of this client that wait; null when there are none.
 */
export function isAdmitted(
  on: Receiver,
  { backlog, metrics, log, inspect }: IncomingDeps,
  calls: Calls | null,
  call: Call,
): boolean {
  const { kind: type, action, messageId, payload } = call;
  if (type === "call" && calls?.has(messageId) === true) {
    const code = errorCode("duplicate_message_id", on.dialect);
    metrics.faults[code]?.add(1);
    log.warn("MessageId still in use", { ...namesOf(on), action, messageId, code });
    answerError(on, call, "duplicate_message_id", "the MessageId is still in use");
    return false;
  }
  if (backlog.isFull) {
    const waiting = backlog.count;
    log.warn("gateway overloaded", { ...namesOf(on), action, messageId, waiting });
    if (type === "call") answerError(on, call, "internal", "gateway overloaded");
    return false;
  }
  const parse = (text: string): unknown => on.parse(text);
  const violation = inspect?.(on, { direction: "in", type, action, messageId, payload, parse });
  if (violation === undefined) return true;
  // A SEND is never answered.
  if (type === "call") answerError(on, call, violation.meaning, describeViolation(violation));
  return false;
}

/**
 * Ends the CALL that the client answers.
 *
 * @param pending The CALLs to this client; null when there are none.
 * @returns Whether there was one.
 */
export function settleCall(
  on: Receiver,
  deps: IncomingDeps,
  pending: Pending | null,
  frame: CallResult | CallError,
): boolean {
  const outcome = frame.kind === "result" ? inspectResult(on, deps, pending, frame) : frame;
  const { messageId } = frame;
  if (pending?.settle(messageId, outcome) === true) return true;
  deps.metrics.faults[UNMATCHED]?.add(1);
  deps.log.warn("answer to no outstanding CALL", { ...namesOf(on), messageId });
  return false;
}

/** The CALLRESULT, or what counts in its place when it is refused. */
function inspectResult(
  on: Receiver,
  { inspect }: IncomingDeps,
  pending: Pending | null,
  frame: CallResult,
): CallOutcome {
  const { messageId, payload } = frame;
  const action = inspect && pending?.actionOf(messageId);
  if (inspect === undefined || action === undefined) return frame;
  const violation = inspect(on, {
    direction: "in",
    type: "result",
    action,
    messageId,
    payload,
    parse: (text) => on.parse(text),
  });
  if (violation === undefined) return frame;
  const description = describeViolation(violation);
  if (on.dialect === "ocpp2.1") {
    const code = errorCode(violation.meaning, on.dialect);
    on.write(callResultErrorText(messageId, code, description));
  }
  return refusedOutcome(description, on.dialect);
}

/**
 * The client cannot use the answer to a CALL of its own.
 *
 * @param sentResults The CALLRESULTs that it may say this of; null when there are none.
 * @returns What the backend is to be told; null when it is told nothing.
 */
export function reportOf(
  on: Receiver,
  { backlog, metrics, log }: IncomingDeps,
  sentResults: SentResults | null,
  frame: CallResultError,
): Report | null {
  const { messageId } = frame;
  const action = sentResults?.take(messageId);
  if (action === undefined) {
    metrics.faults[UNMATCHED]?.add(1);
    log.warn("CALLRESULTERROR to no CALLRESULT", { ...namesOf(on), messageId });
    return null;
  }
  if (backlog.isFull) {
    const waiting = backlog.count;
    metrics.reportsLost.resulterror.add(1);
    log.warn("gateway overloaded", { ...namesOf(on), action, messageId, waiting });
    return null;
  }
  return resultErrorReport(frame, action);
}

function answerError(on: Receiver, call: Call, meaning: ErrorMeaning, description: string): void {
  on.write(callErrorText(call.messageIdText, errorCode(meaning, on.dialect), description));
}
