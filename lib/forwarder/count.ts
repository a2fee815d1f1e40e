/**
 * Counts what came of each request to the backend, and how long it took.
 *
 * @module
 */

import { hasErrorCode, isSuccess } from "../codec/reply.ts";
import type { RequestKind } from "../codec/route.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { BackendOutcome } from "../metrics/families.ts";
import type { BackendReply } from "./forwarder.ts";
import { type Layer, OuterLayer, type Post } from "./layer.ts";

type CountMetrics = Pick<Metrics, "backendRequests" | "backendSeconds">;

/** Counts requests and their time: to be put around each single try. */
export class Count extends OuterLayer {
  readonly #metrics: CountMetrics;

  constructor(inner: Layer, metrics: CountMetrics) {
    super(inner);
    this.#metrics = metrics;
  }

  override replied(post: Post, reply: BackendReply): void {
    const { backendSeconds, backendRequests } = this.#metrics;
    const { kind, sentAt, repliedAt } = post;
    backendSeconds.observe((repliedAt - sentAt) / 1000);
    const outcome = outcomeOf(kind, reply);
    if (outcome !== null) backendRequests[kind][outcome].add(1);
    this.outer.replied(post, reply);
  }
}

/**
 * What came of a request.
 *
 * @returns Null for a CALL's 2xx: whether its body is an answer is for those to count who read it.
 */
function outcomeOf(kind: RequestKind, reply: BackendReply): BackendOutcome | null {
  if (!reply.ok) {
    switch (reply.fault) {
      case "timeout":
        return "timeout";
      case "unreachable":
      case "overloaded":
      case "away":
        return "unreachable";
      case "broken":
      case "unusable":
      case "ambiguous":
        return "invalid";
    }
  }
  if (isSuccess(reply.status)) return kind === "call" ? null : "2xx";
  if (kind === "call" || kind === "send") {
    if (reply.status === 501 || hasErrorCode(reply.body)) return "refused";
  }
  if (reply.status >= 400 && reply.status <= 499) return "4xx";
  if (reply.status >= 500 && reply.status <= 599) return "5xx";
  // Nothing else ends a request.
  return "invalid";
}
