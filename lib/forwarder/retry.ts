/**
 * Which failures are tried again, and when.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { RequestKind } from "../codec/route.ts";
import { type BackendReply, type BackendRequest, isOutcome } from "./forwarder.ts";
import { type Layer, OuterLayer, type Post } from "./layer.ts";

/** The first pause, and by what each further one is longer: 0.4 s, 1.2 s, 3.6 s. */
const FIRST_PAUSE_MS = 400;
const GROWTH = 3;
const MAX_PAUSE_MS = 30_000;
/** Pauses are stretched by up to this share, never shortened: three of them outlast 5 s for sure. */
const JITTER = 0.25;

/**
 * Whether a request may be sent again after this reply.
 *
 * One that provably never left may, unless it is a CALL, which waits elsewhere. One that may have arrived may only when it
 * carries an outcome: the backend can tell a repeated outcome by its URL, but a repeated CALL would
 * be done twice.
 *
 * @param kind What the request carries.
 * @param reply What came of it.
 */
export function isRetried(kind: RequestKind, reply: BackendReply): boolean {
  const mayRepeat = isOutcome({ kind });
  if (reply.ok) return mayRepeat && reply.status >= 502 && reply.status <= 504;
  switch (reply.fault) {
    case "unreachable":
      // CALLs wait in `hold.ts` instead.
      return kind !== "call";
    case "timeout":
    case "broken":
      return mayRepeat;
    // The backend did answer, so it has the request.
    case "unusable":
    case "ambiguous":
    // Pressure goes down only when nobody insists.
    case "overloaded":
    case "away":
      return false;
  }
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
