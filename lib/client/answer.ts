/**
 * The frame that answers a client's CALL.
 *
 * @module
 */

import { errorCode } from "../codec/error_code.ts";
import type { Call } from "../codec/frame.ts";
import { callErrorText, frameKind } from "../codec/frame_text.ts";
import { replyText, resultPayload } from "../codec/reply.ts";
import type { BackendReply } from "../forwarder/forwarder.ts";
import type { Inspect } from "../validate/inspector.ts";
import { describeViolation } from "../validate/violation.ts";
import type { Caller } from "./caller.ts";
import { describeFault } from "./failure.ts";

export interface AnswerDeps {
  /** Checks payloads against their schemas; undefined when nothing is checked. */
  readonly inspect?: Inspect | undefined;
  /** The backend time-out in words, for descriptions. */
  readonly backendTimeoutText: string;
}

/** The frame's text. */
export function answerTo(
  call: Call,
  reply: BackendReply,
  caller: Caller,
  { inspect, backendTimeoutText }: AnswerDeps,
): string {
  if (!reply.ok) return internalError(call, caller, describeFault(reply.fault, backendTimeoutText));
  const { status, body } = reply;
  const answer = replyText(call.messageIdText, status, body, caller.dialect);
  return inspect === undefined || frameKind(answer) !== "result"
    ? answer
    : refusalOf(call, body, caller, inspect) ?? answer;
}

/** The CALLERROR in place of a CALLRESULT whose payload is refused; undefined when it passes. */
function refusalOf(
  call: Call,
  body: string,
  caller: Caller,
  inspect: Inspect,
): string | undefined {
  const { action, messageId } = call;
  const violation = inspect(caller, {
    direction: "out",
    type: "result",
    action,
    messageId,
    payload: resultPayload(body),
  });
  return violation && internalError(
    call,
    caller,
    `the backend's answer was refused: ${describeViolation(violation)}`,
  );
}

/** A CALLERROR of the gateway's own, for what is not the client's fault. */
export function internalError(
  { messageIdText }: Call,
  { dialect }: Caller,
  description: string,
): string {
  return callErrorText(messageIdText, errorCode("internal", dialect), description);
}
