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
import type { Metrics } from "../metrics/metrics.ts";
import { UNMATCHED } from "../metrics/families.ts";
import type { Backlog } from "../queue/backlog.ts";
import { type CallOutcome, refusedOutcome } from "../report/outcome.ts";
import { resultErrorReport } from "../report/report.ts";
import type { Report } from "../outbox/entry.ts";
import type { Deliveries } from "../report/deliveries.ts";
import type { Inspect } from "../validate/inspector.ts";
import { describeViolation } from "../validate/violation.ts";
import type { Namesake } from "./calls.ts";
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
  readonly deliveries: Pick<Deliveries, "roomForResultError" | "countOf">;
  readonly metrics: Pick<
    Metrics,
    "faults" | "reportsLost" | "repeatedCalls" | "queueFull" | "callsFailed"
  >;
  readonly log: Log;
  /** Checks payloads against their schemas; undefined when nothing is checked. */
  readonly inspect?: Inspect | undefined;
}

/** The message type number of a CALL. */
const CALL_TYPE = 2;

/**
 * Answers what is no frame, where the client gets an answer, and ends the CALL that it was to answer:
 * whoever waits for it would be told that nothing came, and what is behind it would wait as well.
 *
 * @param pending The CALLs to this client; null when there are none.
 * @returns Whether it ended one.
 */
export function refuseFrame(
  on: Receiver,
  { metrics, log }: IncomingDeps,
  pending: Pending | null,
  fault: FrameFault,
): boolean {
  const { meaning, messageIdText, reason } = fault;
  // A type that is not known is told by the name that 1.6 has no code for.
  const code = errorCode(meaning, meaning === "unknown_type" ? "ocpp2.0.1" : on.dialect);
  metrics.faults[code]?.add(1);
  const messageId = JSON.parse(messageIdText) as string;
  log.warn("frame refused", { ...namesOf(on), messageId, code, reason });
  const text = answerToFault(fault, on.dialect);
  if (fault.type === CALL_TYPE) metrics.callsFailed.refused.add(1);
  if (text !== null) on.write(text);
  return pending !== null && endByFault(on, pending, fault);
}

/** @returns Whether the CALL is outstanding. */
function endByFault(on: Receiver, pending: Pending, fault: FrameFault): boolean {
  const { answer, meaning, reason } = fault;
  if (answer === undefined) return false;
  const { messageId } = answer;
  if (answer.kind === "error") return pending.settle(messageId, answer);
  if (!pending.settle(messageId, refusedOutcome(reason, on.dialect))) return false;
  // Only now, for it may close the connection of a client that does not read. What only looks like a
  // CALLRESULT may be something else: no error comes under its MessageId.
  if (answer.isTyped) refuseResult(on, messageId, meaning, reason);
  return true;
}

/** Tells the client that its CALLRESULT cannot be used, where it can be told (OCPP 2.1 Part 2, FR.06). */
function refuseResult(
  on: Receiver,
  messageId: string,
  meaning: ErrorMeaning,
  description: string,
): void {
  if (on.dialect !== "ocpp2.1") return;
  on.write(callResultErrorText(messageId, errorCode(meaning, on.dialect), description));
}

/**
 * A CALL whose MessageId is in use goes nowhere. The same CALL again gets no answer of its own: a station
 * that repeats one while the backend is slow would take an error for the end of it.
 *
 * @param namesake The CALL that has the MessageId, as `Calls` says.
 */
export function refuseNamesake(
  on: Receiver,
  { metrics, log }: IncomingDeps,
  call: Call,
  namesake: Exclude<Namesake, "none">,
): void {
  const { action, messageId } = call;
  const names = { ...namesOf(on), action, messageId };
  if (namesake !== "other") {
    metrics.repeatedCalls.add(1);
    if (namesake === "same") log.info("CALL repeated, one answer serves both", names);
    return;
  }
  const code = errorCode("duplicate_message_id", on.dialect);
  metrics.faults[code]?.add(1);
  metrics.callsFailed.refused.add(1);
  log.warn("MessageId still in use", { ...names, code });
  answerError(on, call, "duplicate_message_id", "the MessageId is still in use");
}

/**
 * What one client may have waiting while the backlog is half full: some forty that fill their queues would
 * take all of it otherwise, and clients who have nothing waiting would not be served.
 */
const MAX_UNDER_PRESSURE = 16;

/**
 * Whether a CALL or SEND may wait for the backend. A CALL that may not has been answered.
 *
 * @param before How many of this client's wait or are under way.
 */
export function isAdmitted(
  on: Receiver,
  { backlog, log, inspect, metrics }: IncomingDeps,
  call: Call,
  before: number,
): boolean {
  const { kind: type, action, messageId, payload } = call;
  if (backlog.isFull || (before >= MAX_UNDER_PRESSURE && backlog.isPressed)) {
    const waiting = backlog.count;
    log.warn("gateway overloaded", { ...namesOf(on), action, messageId, waiting });
    if (type !== "call") return false;
    metrics.callsFailed.refused.add(1);
    answerError(on, call, "internal", "gateway overloaded");
    return false;
  }
  const parse = (text: string): unknown => on.parse(text);
  const violation = inspect?.(on, { direction: "in", type, action, messageId, payload, parse });
  if (violation === undefined) return true;
  // A SEND is never answered.
  if (type !== "call") return false;
  metrics.callsFailed.refused.add(1);
  answerError(on, call, violation.meaning, describeViolation(violation));
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
  refuseResult(on, messageId, violation.meaning, description);
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
  { deliveries, metrics, log }: IncomingDeps,
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
  const room = deliveries.roomForResultError(on.clientId);
  if (room !== "room") {
    const waiting = deliveries.countOf(on.clientId);
    metrics.reportsLost.resulterror.add(1);
    if (room === "client_full") metrics.queueFull.resulterror.add(1);
    const event = room === "client_full" ? "queue full" : "gateway overloaded";
    log.warn(event, { ...namesOf(on), action, messageId, waiting });
    return null;
  }
  return resultErrorReport(frame, action);
}

function answerError(on: Receiver, call: Call, meaning: ErrorMeaning, description: string): void {
  on.write(callErrorText(call.messageIdText, errorCode(meaning, on.dialect), description));
}
