/**
 * The frame that answers a CALL of a client's.
 *
 * @module
 */

import { errorCode } from "../codec/error_code.ts";
import type { Call } from "../codec/frame.ts";
import { callErrorText, frameKind } from "../codec/frame_text.ts";
import { replyText, resultPayload } from "../codec/reply.ts";
import type { Dialect } from "../codec/subprotocol.ts";
import type { BackendReply } from "../forwarder/forwarder.ts";
import type { Identity } from "../identity.ts";
import type { Inspect } from "../validate/inspector.ts";
import { describeViolation } from "../validate/violation.ts";
import { describeFault } from "./failure.ts";

/** Whom it is for. */
export interface Asker extends Identity {
  readonly dialect: Dialect;
}

export interface AnswerDeps {
  /** Checks payloads against their schemas; undefined when nothing is checked. */
  readonly inspect?: Inspect | undefined;
  /** The backend time-out in words, for descriptions. */
  readonly backendTimeoutText: string;
}

/** What the client gets of the backend's reply: a CALLRESULT or a CALLERROR. */
export function answerTo(
  asker: Asker,
  { inspect, backendTimeoutText }: AnswerDeps,
  call: Call,
  reply: BackendReply,
): string {
  if (!reply.ok) return internalError(asker, call, describeFault(reply.fault, backendTimeoutText));
  const { status, body } = reply;
  const answer = replyText(call.messageIdText, status, body, asker.dialect);
  return inspect === undefined || frameKind(answer) !== "result"
    ? answer
    : refusalOf(asker, inspect, call, body) ?? answer;
}

/** The CALLERROR in place of a CALLRESULT whose payload is refused; undefined when it passes. */
function refusalOf(
  asker: Asker,
  inspect: Inspect,
  call: Call,
  body: string,
): string | undefined {
  const { action, messageId } = call;
  const violation = inspect(asker, {
    direction: "out",
    type: "result",
    action,
    messageId,
    payload: resultPayload(body),
  });
  return violation && internalError(
    asker,
    call,
    `the backend's answer was refused: ${describeViolation(violation)}`,
  );
}

/** A CALLERROR `InternalError`. */
export function internalError(
  { dialect }: Asker,
  { messageIdText }: Call,
  description: string,
): string {
  return callErrorText(messageIdText, errorCode("internal", dialect), description);
}
