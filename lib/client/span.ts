/**
 * How a CALL's span ends.
 *
 * @module
 */

import { frameKind } from "../codec/frame_text.ts";
import type { BackendReply } from "../forwarder/forwarder.ts";
import type { CallOutcome } from "../report/outcome.ts";
import type { CallSpan } from "../trace/tracing.ts";

/** A CALLERROR's kind of error; its code, which comes from outside, stands beside it. */
const CALLERROR = "callerror";

/**
 * Ends the span of a client's CALL or SEND.
 *
 * @param reply What the backend said.
 * @param answer The frame that the client got; null for a SEND.
 */
export function endByReply(span: CallSpan, reply: BackendReply, answer: string | null): void {
  if (answer !== null && frameKind(answer) === "error") {
    // Written by us, so it is valid; and errors are few.
    span.end(reply.ok ? CALLERROR : reply.fault, String(JSON.parse(answer)[2]));
  } else if (!reply.ok) span.end(reply.fault);
  else span.end(answer !== null || reply.status <= 299 ? null : String(reply.status));
}

/** Ends the span of a CALL to a client. */
export function endByOutcome(span: CallSpan, outcome: CallOutcome): void {
  switch (outcome.kind) {
    case "result":
      return span.end(null);
    case "error":
      return span.end(CALLERROR, String(JSON.parse(outcome.codeText)));
    case "timeout":
    case "gone":
      return span.end(outcome.kind);
  }
}
