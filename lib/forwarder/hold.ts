/**
 * CALLs that wait until the backend can be reached.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import { Cell } from "../metrics/tally.ts";
import { Queue } from "../queue/queue.ts";
import { type BackendReply, isFailing, isReport } from "./forwarder.ts";
import { type Layer, OuterLayer, type Post } from "./layer.ts";
import type { BackendReach } from "./reach.ts";

export interface HoldOptions {
  readonly reach: BackendReach;
  /** How long a CALL waits, from its first failure. */
  readonly holdMs: number;
  readonly clock: Clock;
  /** Where CALLs that wait are counted. */
  readonly held?: Cell;
}

/** What goes at once when the backend can be reached; each answer then lets go more. */
const FIRST_RELEASE = 8;
const RELEASED_BY_ANSWER = 2;
/** While a backend that can be reached does not keep up, it is asked so often whether CALLs wait too long. */
const RECHECK_MS = 1000;
/** More than these are ended in steps at a shutdown: their clients come back all at once otherwise. */
const SPREAD_FROM = 1000;
const SPREAD_STEP_MS = 50;

const AWAY: BackendReply = { ok: false, fault: "away" };
const HELD_IN_VAIN: BackendReply = { ok: false, fault: "away", isHeld: true };
const UNREACHABLE: BackendReply = { ok: false, fault: "unreachable" };

/**
 * Holds CALLs that cannot reach the backend, for `holdMs` each, and lets them go when it can be reached:
 * to be put outside of slots and tries.
 *
 * - They go in the order in which they came, a few at first, and more with each answer: a backend that
 *   has just started is not run over. A CALL that comes meanwhile goes behind them.
 * - One that has waited in vain says that the backend is away. It gets `away`; and so does, from then on,
 *   each new one, but for one in a second that goes on as a look, while there are answers at all.
 * - One timer, for the CALL that waits longest; none while nothing waits.
 *
 * How many wait is bounded by those who call, as it is for `Slots`.
 */
export class Hold extends OuterLayer {
  readonly #options: HoldOptions;
  readonly #held: Cell;
  /** In the order in which they came. */
  readonly #waiting = new Queue<Post>();
  /** Those that were let go, and failed again: in the order in which they came, before all others. */
  readonly #returned: Post[] = [];
  /** How many may go before the next answer. */
  #credits = 0;
  #reachableSince = -Infinity;
  #heldInAll = 0;
  #timer: Timer | undefined;
  #isEnded = false;

  constructor(inner: Layer, options: HoldOptions) {
    super(inner);
    this.#options = options;
    this.#held = options.held ?? new Cell();
    options.reach.onReachable(() => this.#reachable());
  }

  /** CALLs that wait. */
  get count(): number {
    return this.#waiting.length + this.#returned.length;
  }

  /** How many have had to wait, ever. */
  get heldInAll(): number {
    return this.#heldInAll;
  }

  override forward(post: Post): void {
    const { reach } = this.#options;
    if (reach.isWell && this.count === 0) return this.inner.forward(post);
    if (post.kind !== "call") {
      const isHopeless = reach.isAway && !reach.isReachable && !isReport(post);
      return isHopeless ? this.outer.replied(post, UNREACHABLE) : this.inner.forward(post);
    }
    if (reach.isAway) {
      return reach.takeProbe() ? this.inner.forward(post) : this.outer.replied(post, AWAY);
    }
    this.#hold(post);
  }

  override replied(post: Post, reply: BackendReply): void {
    if (!reply.ok && reply.fault === "unreachable" && post.kind === "call") return this.#hold(post);
    if (this.count > 0) {
      this.#credits += creditsOf(reply);
      this.#release();
    }
    this.outer.replied(post, reply);
  }

  /**
   * Nothing waits any longer, nor will: a shutdown. What waits gets `away`; many are spread.
   *
   * @param overMs The time for that.
   */
  end(overMs: number): void {
    this.#isEnded = true;
    this.#stopTimer();
    if (this.count <= SPREAD_FROM) return this.#giveBack(this.count);
    const steps = Math.max(1, Math.floor(overMs / SPREAD_STEP_MS));
    this.#endSome(Math.ceil(this.count / steps));
  }

  override close(): void {
    this.#isEnded = true;
    this.#stopTimer();
    this.#giveBack(this.count);
    this.inner.close();
  }

  #endSome(count: number): void {
    this.#giveBack(count);
    this.#timer = this.count === 0
      ? undefined
      : this.#options.clock.setTimeout(() => this.#endSome(count), SPREAD_STEP_MS);
  }

  #giveBack(count: number): void {
    for (let i = 0; i < count && this.count > 0; i++) this.outer.replied(this.#take(), AWAY);
  }

  #hold(post: Post): void {
    const { holdMs, clock, reach } = this.#options;
    if (!reach.isReachable) this.#credits = 0;
    if (this.#isEnded && !reach.isWell) return this.outer.replied(post, AWAY);
    const isFirst = post.heldSince === -1;
    if (isFirst) {
      post.heldSince = clock.now();
      this.#heldInAll++;
    }
    if (this.#isLate(post)) return this.#giveUp(post);
    if (isFirst) this.#waiting.push(post);
    else this.#putBack(post);
    this.#held.add(1);
    this.#timer ??= clock.setTimeout(() => this.#expire(), post.heldSince + holdMs - clock.now());
    // It may be reachable by now.
    this.#release();
  }

  #putBack(post: Post): void {
    let at = this.#returned.length;
    while (at > 0 && this.#returned[at - 1]!.heldSince > post.heldSince) at--;
    this.#returned.splice(at, 0, post);
  }

  /** The one that waits longest leaves. */
  #take(): Post {
    this.#held.add(-1);
    return this.#returned.shift() ?? this.#waiting.shift()!;
  }

  #reachable(): void {
    this.#reachableSince = this.#options.clock.now();
    if (this.count === 0) return;
    this.#credits = FIRST_RELEASE;
    this.#release();
  }

  #release(): void {
    const { reach } = this.#options;
    while (this.count > 0 && this.#credits > 0 && reach.isReachable) {
      const post = this.#take();
      if (post.request.isVoid === true) this.outer.replied(post, AWAY);
      else {
        this.#credits--;
        this.inner.forward(post);
      }
    }
    if (this.count > 0) return;
    this.#credits = 0;
    this.#stopTimer();
  }

  #expire(): void {
    this.#timer = undefined;
    const { clock, holdMs, reach } = this.#options;
    const next = (): Post | undefined => this.#returned[0] ?? this.#waiting.peek();
    for (let post = next(); post !== undefined && this.#isLate(post); post = next()) {
      this.#giveUp(this.#take());
    }
    const oldest = next();
    if (oldest === undefined) return;
    const leftMs = oldest.heldSince + holdMs - clock.now();
    this.#timer ??= clock.setTimeout(
      () => this.#expire(),
      leftMs > 0 ? leftMs : reach.isReachable ? RECHECK_MS : 0,
    );
  }

  /** Whoever waits only for his turn behind others is given as long again. */
  #isLate({ heldSince }: Post): boolean {
    const { holdMs, clock, reach } = this.#options;
    const since = reach.isReachable ? Math.max(heldSince, this.#reachableSince) : heldSince;
    return clock.now() - since >= holdMs;
  }

  #giveUp(post: Post): void {
    if (post.request.isVoid === true) return this.outer.replied(post, AWAY);
    this.#options.reach.declareAway("unreachable");
    this.outer.replied(post, HELD_IN_VAIN);
  }

  #stopTimer(): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** How many more may go after a reply; those who get none must not stop the rest. */
function creditsOf(reply: BackendReply): number {
  if (reply.ok) return isFailing(reply) ? 1 : RELEASED_BY_ANSWER;
  return reply.fault === "unreachable" || reply.fault === "overloaded" ? 0 : 1;
}
