/**
 * Which failures are tried again, and when.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { RequestKind } from "../codec/route.ts";
import { type BackendReply, type BackendRequest, isReport } from "./forwarder.ts";
import { type Layer, OuterLayer, type Post } from "./layer.ts";

/** The first pause, and by what each further one is longer: 0.4 s, 1.2 s, 3.6 s. */
const FIRST_PAUSE_MS = 400;
const GROWTH = 3;
const MAX_PAUSE_MS = 30_000;
/** Pauses are stretched by up to this share, never shortened: three of them outlast 5 s for sure. */
const JITTER = 0.25;

/**
 * Whether a request may be sent again after this reply: one that provably never left. One that may have
 * arrived would be done twice.
 *
 * CALLs and reports are tried again too, but not here: CALLs wait in `hold.ts`, and `lib/report` has the
 * reports of each client in their order.
 *
 * @param kind What the request carries.
 * @param reply What came of it.
 */
export function isRetried(kind: RequestKind, reply: BackendReply): boolean {
  return kind !== "call" && !isReport({ kind }) && !reply.ok && reply.fault === "unreachable";
}

/**
 * The pause before a further try.
 *
 * @param attempt Tries that failed so far, 1 or more.
 * @param random 0 to 1; spreads the tries of many.
 * @returns Milliseconds.
 */
export function retryPauseMs(attempt: number, random: number): number {
  const ms = Math.min(FIRST_PAUSE_MS * GROWTH ** (attempt - 1), MAX_PAUSE_MS);
  return ms * (1 + JITTER * random);
}

export interface RetryOptions {
  /** More tries after the first. */
  readonly retries: number;
  readonly clock: Clock;
  readonly random: () => number;
  /** Whether further tries of this request are pointless now. */
  readonly givesUp?: (request: BackendRequest) => boolean;
  /** Told before each further try. */
  readonly onRetry: (request: BackendRequest, reply: BackendReply) => void;
}

/** Tries again where `isRetried` allows it. */
export class Retries extends OuterLayer {
  readonly #options: RetryOptions;

  constructor(inner: Layer, options: RetryOptions) {
    super(inner);
    this.#options = options;
  }

  override replied(post: Post, reply: BackendReply): void {
    const { retries, clock, random, givesUp, onRetry } = this.#options;
    const { request, kind, failedTries } = post;
    if (
      !isRetried(kind, reply) || failedTries >= retries || givesUp?.(request) === true
    ) return this.outer.replied(post, reply);
    post.failedTries++;
    onRetry(request, reply);
    clock.setTimeout(() => this.inner.forward(post), retryPauseMs(post.failedTries, random()));
  }
}
