/**
 * Layers of the forwarder between a backend and callers that use promises.
 *
 * @module
 */

import { ask, type BackendReply, type BackendRequest } from "../../lib/forwarder/forwarder.ts";
import { forwarderOver, type Layer, type Outer } from "../../lib/forwarder/layer.ts";

/** What answers requests. */
export interface Answering {
  forward(request: BackendRequest): Promise<BackendReply>;
  close(): void;
}

/** The innermost layer, which hands each request, as the layers made it, to a fake. */
export function innermost(fake: Answering): Layer {
  let outer: Outer;
  return {
    forward(post) {
      const { request, webhookId, trace } = post;
      const isAsItCame = webhookId === request.webhookId && trace === request.trace;
      const made = isAsItCame ? request : { ...request, webhookId, trace };
      void fake.forward(made).then((reply) => outer.replied(post, reply));
    },
    repliesTo(other) {
      outer = other;
    },
    close: () => fake.close(),
  };
}

/** What is outside of a layer. */
export function asked(outermost: Layer): Answering {
  const forwarder = forwarderOver(outermost);
  return {
    forward: (request) => ask(forwarder, request),
    close: () => forwarder.close(),
  };
}
