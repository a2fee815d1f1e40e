/**
 * Whether the backend can be reached, and whether it is away.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import { type BackendReply, isFailing } from "./forwarder.ts";
import { type Layer, OuterLayer, type Post } from "./layer.ts";
import type { Look } from "./look.ts";

/** So many requests in a row that were answered 502, 503 or 504 are an outage, when … */
const FAILURES = 50;
/** … the first and last of them are at least this far apart. */
const MIN_OUTAGE_MS = 5000;
/** The first look comes sooner than the others: most of what is refused is a restart. */
const FIRST_LOOK_MS = 400;
const LOOK_MS = 1000;
/** A CALL that may go through in place of a look has so long to come. */
const CALL_FIRST_MS = 100;

/** What the other rooms see of it. */
export interface Reach {
  /** False from a try that could not reach the backend until one does, or a mere connection is made. */
  readonly isReachable: boolean;
  /** Whether CALLs have no hope for now: one has waited in vain, or all requests fail for seconds. */
  readonly isAway: boolean;
  /**
   * Calls back each time when the backend can be reached again (also when it was never away), and when it
   * is not away any more.
   */
  onReachable(callback: () => void): void;
}

/** Why it is away. */
export type AwayCause =
  /** A CALL has waited in vain for a connection. */
  | "unreachable"
  /** It answers, or something before it: 502, 503 or 504. */
  | "failing";

/** Who is told. Each end follows its beginning. */
export interface ReachEvents {
  /** It could not be reached, and a look has confirmed it. */
  unreachable(): void;
  away(cause: AwayCause): void;
  /** It can be reached and is not away any more, `afterMs` after the first failure. */
  back(afterMs: number): void;
}

export interface ReachOptions {
  readonly clock: Clock;
  /** Looks whether there is a backend, when no request tells. */
  readonly look: Look;
  readonly events?: ReachEvents;
}

/**
 * Owns what is known of the backend, by what comes of each single try (`counting`).
 *
 * - While all is well it costs a comparison for each reply, and has no timer.
 * - While it is not, it looks by itself: at most one look at a time, a second apart.
 * - What hung or broke off says nothing: it may be one client's doing, and must not cut off the others.
 *
 * No library: those at hand measure by the wall clock, which may jump.
 */
export class BackendReach implements Reach {
  readonly #options: ReachOptions;
  readonly #callbacks: (() => void)[] = [];
  #isReachable = true;
  #isAway = false;
  /** Answers in a row that were failures, and when the first of them came. */
  #failures = 0;
  #failingSince = 0;
  /** When the outage began; meaningless while all is well. */
  #since = 0;
  #isTold = false;
  /** When a CALL was last let through, or let go, while it is away. */
  #probedAt = -Infinity;
  /** Until the next look. */
  #timer: Timer | undefined;
  #isLooking = false;
  readonly #closing = new AbortController();

  constructor(options: ReachOptions) {
    this.#options = options;
  }

  get isReachable(): boolean {
    return this.#isReachable;
  }

  get isAway(): boolean {
    return this.#isAway;
  }

  /** Whether there is nothing to heed. */
  get isWell(): boolean {
    return this.#isReachable && !this.#isAway;
  }

  onReachable(callback: () => void): void {
    this.#callbacks.push(callback);
  }

  /** A layer whose replies are counted: to be put around each single try. */
  counting(inner: Layer): Layer {
    return new ReachCount(inner, this);
  }

  /** Takes note of what came of a try. */
  count(reply: BackendReply): void {
    if (reply.ok) {
      if (isFailing(reply)) this.#failed();
      else this.#answered();
    } else if (reply.fault === "unreachable") this.#missed();
    // It did answer.
    else if (reply.fault === "unusable" || reply.fault === "ambiguous") this.#answered();
  }

  /** A CALL has waited in vain, or all requests have failed for long. */
  declareAway(cause: AwayCause): void {
    if (this.#isAway || this.#closing.signal.aborted) return;
    if (this.isWell) this.#begin();
    this.#isAway = true;
    this.#isTold = true;
    this.#options.events?.away(cause);
    this.#lookIn(LOOK_MS);
  }

  /** Whether a CALL may go on its way as a look: one in each second, while there are answers at all. */
  takeProbe(): boolean {
    const now = this.#options.clock.now();
    if (!this.#isReachable || now - this.#probedAt < LOOK_MS) return false;
    this.#probedAt = now;
    return true;
  }

  /** Ends the looks, for good. */
  close(): void {
    this.#closing.abort();
    this.#stopTimer();
  }

  #missed(): void {
    if (!this.#isReachable) return;
    if (this.isWell) this.#begin();
    this.#isReachable = false;
    this.#lookIn(FIRST_LOOK_MS);
  }

  #failed(): void {
    const now = this.#options.clock.now();
    if (this.#failures === 0) this.#failingSince = now;
    this.#failures++;
    this.#connected();
    if (this.#failures >= FAILURES && now - this.#failingSince >= MIN_OUTAGE_MS) {
      this.declareAway("failing");
    }
  }

  #answered(): void {
    this.#failures = 0;
    if (this.isWell) return;
    this.#isAway = false;
    this.#goOn();
  }

  /** There is a connection. */
  #connected(): void {
    if (!this.#isReachable) this.#goOn();
  }

  /** Whoever waits may go on, also who waits for his turn since there was a connection and no answer. */
  #goOn(): void {
    this.#isReachable = true;
    // What waited goes now, and is as good as a look.
    this.#probedAt = this.#options.clock.now();
    this.#endIfWell();
    for (const callback of this.#callbacks) callback();
  }

  #begin(): void {
    this.#since = this.#options.clock.now();
  }

  #endIfWell(): void {
    if (!this.isWell) return;
    this.#stopTimer();
    if (!this.#isTold) return;
    this.#isTold = false;
    this.#options.events?.back(this.#options.clock.now() - this.#since);
  }

  #lookIn(ms: number): void {
    if (this.#isLooking || this.#closing.signal.aborted) return;
    this.#timer ??= this.#options.clock.setTimeout(() => void this.#look(), ms);
  }

  #stopTimer(): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #look(): Promise<void> {
    this.#timer = undefined;
    // A CALL that was let through tells more, and a look less is a request less.
    const dueInMs = this.#probedAt + LOOK_MS + CALL_FIRST_MS - this.#options.clock.now();
    if (this.#isReachable && dueInMs > 0) return this.#lookIn(dueInMs);
    this.#isLooking = true;
    const wanted = this.#isAway ? "answer" : "connection";
    const sight = await this.#options.look(wanted, this.#closing.signal);
    this.#isLooking = false;
    if (this.#closing.signal.aborted) return;
    if (sight === "answered") this.#answered();
    else if (sight === "connected") this.#connected();
    else if (!this.isWell && !this.#isTold) {
      this.#isTold = true;
      this.#options.events?.unreachable();
    }
    if (!this.isWell) this.#lookIn(LOOK_MS);
  }
}

const UNREACHABLE: BackendReply = { ok: false, fault: "unreachable" };

class ReachCount extends OuterLayer {
  readonly #reach: BackendReach;

  constructor(inner: Layer, reach: BackendReach) {
    super(inner);
    this.#reach = reach;
  }

  /** CALLs that waited for a slot when the backend went need not find it out one by one. */
  override forward(post: Post): void {
    if (this.#reach.isReachable || post.kind !== "call") this.inner.forward(post);
    else this.outer.replied(post, UNREACHABLE);
  }

  override replied(post: Post, reply: BackendReply): void {
    this.#reach.count(reply);
    this.outer.replied(post, reply);
  }
}
