/**
 * The layers between those who ask the backend and the connections to it.
 *
 * A request goes through them from the outside in as one object, and its reply comes back through them
 * from the inside out, without a promise or a closure for each: they are what a CALL would cost most.
 *
 * @module
 */

import type { RequestKind } from "../codec/route.ts";
import type { TraceContext } from "../codec/trace_context.ts";
import type { RequestSpan } from "../trace/tracing.ts";
import type { BackendReply, BackendRequest, Forwarder, Requester } from "./forwarder.ts";

/** How a client's CALLs fare while some hang: `call_slots.ts`. */
export type Standing = "quick" | "unknown" | "slow";

/** One request on its way to the backend, and what the layers note about it. */
export class Post {
  readonly request: BackendRequest;
  /** The request's own. */
  readonly kind: RequestKind;
  readonly path: string;
  readonly requester: Requester;
  /** The same in every try; `webhook_id.ts` gives it one where the request has none. */
  webhookId: string | undefined;
  /** The trace that the try belongs to: of the request, or of the span that `trace.ts` began. */
  trace: TraceContext | undefined;
  /** Of `trace.ts`: the span of the try under way. */
  span: RequestSpan | null = null;
  /** Of `retry.ts`. */
  failedTries = 0;
  /** Of `hold.ts`: since when it cannot reach the backend, by the clock; -1 while it can. */
  heldSince = -1;
  /** Of `slots.ts`, by the clock. */
  waitingSince = 0;
  /** Of `call_slots.ts`: how its client fared lately, where it stands there, and when it began. */
  standing: Standing = "unknown";
  place = 0;
  begunAtLook = 0;
  /** When the last try began and when it was replied to, by the clock; of the innermost layer. */
  sentAt = 0;
  repliedAt = 0;

  constructor(request: BackendRequest, requester: Requester) {
    this.request = request;
    this.kind = request.kind;
    this.path = request.path;
    this.requester = requester;
    this.webhookId = request.webhookId;
    this.trace = request.trace;
  }
}

/** Whom a layer hands its replies to. */
export interface Outer {
  replied(post: Post, reply: BackendReply): void;
}

/** A part of the way. Each post that it takes is replied to exactly once. */
export interface Layer {
  /**
   * Takes a post; does not throw. The innermost layer never replies before this returns, so that a layer
   * which begins one post after the other does not go deeper with each; others may.
   */
  forward(post: Post): void;
  /** Names the layer around this one; must be called once, before the first post. */
  repliesTo(outer: Outer): void;
  /** As that of `Forwarder`. */
  close(): void;
}

/** A layer around another one: as it stands it hands on what comes from either side. */
export abstract class OuterLayer implements Layer, Outer {
  protected readonly inner: Layer;
  protected outer!: Outer;

  constructor(inner: Layer) {
    this.inner = inner;
    inner.repliesTo(this);
  }

  repliesTo(outer: Outer): void {
    this.outer = outer;
  }

  forward(post: Post): void {
    this.inner.forward(post);
  }

  replied(post: Post, reply: BackendReply): void {
    this.outer.replied(post, reply);
  }

  close(): void {
    this.inner.close();
  }
}

/** The outside of all layers. */
export function forwarderOver(outermost: Layer): Forwarder {
  outermost.repliesTo({ replied: (post, reply) => post.requester.replied(reply) });
  return {
    forward: (request, requester) => outermost.forward(new Post(request, requester)),
    close: () => outermost.close(),
  };
}
