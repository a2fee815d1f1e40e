/**
 * What an answer of the backend says of the report that it answers.
 *
 * @module
 */

import { isSuccess } from "../codec/reply.ts";
import type { BackendReply } from "../forwarder/forwarder.ts";

/**
 * - `taken`: the backend has it.
 * - `again`: it has not, and may take it another time.
 * - `final`: it never will.
 */
export type Verdict = "taken" | "again" | "final";

/**
 * What becomes of a report. 408, 425 and 429 ask for another try, and so does each 5xx; of all other
 * statuses but 2xx the backend would say the same again.
 */
export function verdictOf(reply: BackendReply): Verdict {
  if (!reply.ok) return "again";
  const { status } = reply;
  if (isSuccess(status)) return "taken";
  const isPassing = status === 408 || status === 425 || status === 429 ||
    (status >= 500 && status <= 599);
  return isPassing ? "again" : "final";
}

/** Whether the backend answered, be it by what cannot be used. */
export function isAnswered(reply: BackendReply): boolean {
  return reply.ok || reply.fault === "unusable" || reply.fault === "ambiguous";
}

/** The failure in words. */
export function failureOf(reply: BackendReply): string {
  return reply.ok ? `status ${reply.status}` : reply.fault;
}
