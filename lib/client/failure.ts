/**
 * What a client and the log are told of a backend that failed.
 *
 * @module
 */

import { frameKind } from "../codec/frame_text.ts";
import { hasErrorCode, isSuccess } from "../codec/reply.ts";
import type { BackendFault, BackendReply } from "../forwarder/forwarder.ts";
import type { CallFailure } from "../metrics/labels.ts";

/**
 * A fault in words, for the client.
 *
 * @param backendTimeoutText The backend time-out in words.
 */
export function describeFault(fault: BackendFault, backendTimeoutText: string): string {
  switch (fault) {
    case "unreachable":
      return "the backend is unreachable";
    case "timeout":
      return `no answer from the backend within ${backendTimeoutText}`;
    case "broken":
      return "the backend broke off";
    case "unusable":
      return "the backend's answer is too large or not UTF-8";
    case "ambiguous":
      return "the backend's answer has two lengths";
    case "overloaded":
      return "the backend is overloaded";
    case "away":
      return "the backend is away";
  }
}

/**
 * Why the backend's reply is a failure of its; null when it is none, which an error that it means is not:
 * a CALLERROR of its own, a request that it does not take, an Action that it does not know.
 *
 * @param answer What the client gets; null for a SEND.
 */
export function failureOf(reply: BackendReply, answer: string | null): string | null {
  if (!reply.ok) return reply.fault;
  const { status, body } = reply;
  if (isSuccess(status)) {
    return answer === null || frameKind(answer) === "result" ? null : `status ${status}`;
  }
  const isMeant = (status >= 400 && status <= 499) || status === 501 || hasErrorCode(body);
  return isMeant ? null : `status ${status}`;
}

/** What a CALL counts as whose reply is a failure. */
export function causeOf(reply: BackendReply): CallFailure {
  if (reply.ok) return "backend";
  switch (reply.fault) {
    case "unreachable":
      return "unreachable";
    case "away":
      return reply.isHeld === true ? "unreachable" : "away";
    case "overloaded":
      return "refused";
    case "timeout":
    case "broken":
    case "unusable":
    case "ambiguous":
      return "backend";
  }
}

/** What the client is told in a CALLERROR that `callErrorText` made. */
export function whatIsTold(answer: string): { readonly code: string; readonly reason: string } {
  // Written by us, so it is valid; and failures are few.
  const [, , code, description] = JSON.parse(answer);
  return { code, reason: description };
}
