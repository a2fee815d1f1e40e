/**
 * What an answer of the backend says of the report that it answers.
 *
 * @module
 */

import { isSuccess } from "../codec/reply.ts";
import { readRetryAfterMs } from "../codec/retry_after.ts";
import type { BackendReply } from "../forwarder/forwarder.ts";
import type { Random } from "../random.ts";

/** The backend may ask for so long a pause. */
const MAX_RETRY_AFTER_MS = 5 * 60_000;
/** Those who are all told the same come back spread by this share of it. */
const RETRY_AFTER_JITTER = 0.1;

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

/** The pause that an answer asks for, in milliseconds; 0 when it asks for none. */
export function askedPauseMs(
  reply: BackendReply,
  wallNow: number,
  random: Pick<Random, "fraction">,
): number {
  const header = reply.ok ? reply.retryAfter : undefined;
  const ms = Math.min(readRetryAfterMs(header, wallNow) ?? 0, MAX_RETRY_AFTER_MS);
  return ms * (1 + RETRY_AFTER_JITTER * random.fraction());
}

/** The failure in words. */
export function failureOf(reply: BackendReply): string {
  return reply.ok ? `status ${reply.status}` : reply.fault;
}
