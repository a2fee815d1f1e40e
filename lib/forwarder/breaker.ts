/**
 * A circuit breaker: CALLs do not queue behind a backend that is down.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { type BackendReply, type BackendRequest, isOutcome } from "./forwarder.ts";
import { type Layer, OuterLayer, type Post } from "./layer.ts";

/** It opens after this many failures without a success between … */
const FAILURES = 50;
/** … the first and last of them at least this far apart: a restart of the backend is left to the retries. */
const MIN_OUTAGE_MS = 5000;
/** While it is open one CALL in this time is let through, to see whether the backend is back. */
const PROBE_MS = 1000;

/**
 * Counts failed tries, and says when there is no point in more of them.
 *
 * Only CALLs, SENDs and connect hooks are held back. Outcomes are always tried: they must not be
 * lost, there is one at a time for each client, and their success is what closes the breaker
 * soonest. No library: those at hand measure by the wall clock, which may jump.
 */
export class Breaker {
  readonly #clock: Clock;
  readonly #onChange: (isOpen: boolean) => void;
  #isOpen = false;
  #failures = 0;
  #failingSince = 0;
  #failedLast = 0;
  #probedAt = -Infinity;

  /** @param onChange Told when it opens, and when it closes again. */
  constructor(clock: Clock, onChange: (isOpen: boolean) => void = () => {}) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** A layer whose replies are counted: to be put around each single try. */
  counting(inner: Layer): Layer {
    return new BreakerCount(inner, this);
  }

  /** A layer that answers at once while the breaker is open: to be put around the retries. */
  guarding(inner: Layer): Layer {
    return new BreakerGuard(inner, this);
  }

  /** Takes note of what came of a try. */
  count(reply: BackendReply): void {
    if (isFailure(reply)) this.#failed();
    else if (isSuccess(reply)) this.#succeeded();
  }

  /** Whether a request may go on its way: while the breaker is open, one is let through now and then. */
  admits(request: BackendRequest): boolean {
    return !this.holdsBack(request) || this.#mayProbe();
  }

  /** Whether further tries of this request are pointless now. */
  holdsBack(request: BackendRequest): boolean {
    return this.isOpen && !isOutcome(request) && request.kind !== "disconnect";
  }

  #failed(): void {
    this.#failedLast = this.#clock.now();
    if (this.#failures === 0) this.#failingSince = this.#failedLast;
    this.#failures++;
    if (this.#failures < FAILURES || this.#isOpen) return;
    if (this.#failedLast - this.#failingSince < MIN_OUTAGE_MS) return;
    this.#isOpen = true;
    this.#onChange(true);
  }

  #succeeded(): void {
    this.#failures = 0;
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#onChange(false);
  }

  #mayProbe(): boolean {
    const now = this.#clock.now();
    if (now - this.#probedAt < PROBE_MS) return false;
    this.#probedAt = now;
    return true;
  }
}

class BreakerCount extends OuterLayer {
  readonly #breaker: Breaker;

  constructor(inner: Layer, breaker: Breaker) {
    super(inner);
    this.#breaker = breaker;
  }

  override replied(post: Post, reply: BackendReply): void {
    this.#breaker.count(reply);
    this.outer.replied(post, reply);
  }
}

class BreakerGuard extends OuterLayer {
  readonly #breaker: Breaker;

  constructor(inner: Layer, breaker: Breaker) {
    super(inner);
    this.#breaker = breaker;
  }

  override forward(post: Post): void {
    if (this.#breaker.admits(post.request)) this.inner.forward(post);
    else this.outer.replied(post, HELD_BACK);
  }
}

const HELD_BACK: BackendReply = { ok: false, fault: "unreachable" };

/**
 * Only what provably never left says that the backend is down. A request that hung or broke may be
 * one client's doing, and must not cut off the others; slots and time-outs bound those.
 */
function isFailure(reply: BackendReply): boolean {
  return !reply.ok && reply.fault === "unreachable";
}

/** What was never tried says nothing. */
function isSuccess(reply: BackendReply): boolean {
  return reply.ok || reply.fault === "unusable" || reply.fault === "ambiguous";
}
