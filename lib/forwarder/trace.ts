/**
 * A span for each request to the backend.
 *
 * @module
 */

import type { Tracing } from "../trace/tracing.ts";
import type { Forwarder } from "./forwarder.ts";

/** A forwarder whose requests are traced: to be put around each single try. */
export function traceForwarder(inner: Forwarder, tracing: Tracing): Forwarder {
  return {
    forward(request) {
      const span = tracing.post(request.kind, request.path, request.trace);
      return inner.forward({ ...request, trace: span.context }).then((reply) => {
        if (!reply.ok) span.end(reply.fault);
        else span.end(reply.status <= 399 ? null : String(reply.status), reply.status);
        return reply;
      });
    },
    close: () => inner.close(),
  };
}
