/**
 * Counts what came of each request to the backend, and how long it took.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { isSuccess } from "../codec/reply.ts";
import type { RequestKind } from "../codec/route.ts";
import type { BackendOutcome, Metrics } from "../metrics/metrics.ts";
import type { BackendReply, Forwarder } from "./forwarder.ts";

/** A forwarder whose requests are counted: to be put around each single try. */
export function countForwarder(
  inner: Forwarder,
  metrics: Pick<Metrics, "backendRequests" | "backendSeconds">,
  clock: Clock,
): Forwarder {
  const { backendRequests, backendSeconds } = metrics;
  return {
    forward(request) {
      const since = clock.now();
      return inner.forward(request).then((reply) => {
        backendSeconds.observe((clock.now() - since) / 1000);
        const outcome = outcomeOf(request.kind, reply);
        if (outcome !== null) backendRequests[request.kind][outcome].add(1);
        return reply;
      });
    },
    close: () => inner.close(),
  };
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
        return "unreachable";
      case "broken":
      case "unusable":
      case "ambiguous":
        return "invalid";
    }
  }
  if (isSuccess(reply.status)) return kind === "call" ? null : "2xx";
  if (reply.status >= 400 && reply.status <= 499) return "4xx";
  if (reply.status >= 500 && reply.status <= 599) return "5xx";
  // Nothing else ends a request.
  return "invalid";
}
