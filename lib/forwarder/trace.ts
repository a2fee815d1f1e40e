/**
 * A span for each request to the backend.
 *
 * @module
 */

import type { Tracing } from "../trace/tracing.ts";
import type { BackendReply } from "./forwarder.ts";
import { type Layer, OuterLayer, type Post } from "./layer.ts";

/** Traces requests: to be put around each single try. */
export class Spans extends OuterLayer {
  readonly #tracing: Tracing;

  constructor(inner: Layer, tracing: Tracing) {
    super(inner);
    this.#tracing = tracing;
  }

  override forward(post: Post): void {
    post.span = this.#tracing.post(post.kind, post.path, post.request.trace);
    post.trace = post.span.context;
    this.inner.forward(post);
  }

  override replied(post: Post, reply: BackendReply): void {
    const { span } = post;
    post.span = null;
    if (!reply.ok) span?.end(reply.fault);
    else span?.end(reply.status <= 399 ? null : String(reply.status), reply.status);
    this.outer.replied(post, reply);
  }
}
