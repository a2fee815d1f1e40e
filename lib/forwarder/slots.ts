/**
 * How many requests may be under way to the backend at once, and of which kind.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { Cell } from "../metrics/tally.ts";
import { Queue } from "../queue/queue.ts";
import type { BackendReply } from "./forwarder.ts";
import { type Layer, OuterLayer, type Post } from "./layer.ts";

export interface SlotsOptions {
  /** Most requests under way. */
  readonly max: number;
  /** How long a CALL, SEND or connect hook may wait for its slot before it is given up. */
  readonly maxWaitMs: number;
  readonly clock: Clock;
  /** Where requests under way are counted, and those that wait. */
  readonly taken?: Cell;
  readonly awaited?: Cell;
}

/** Slots that connect hooks may have of so many, and disconnects as many more: an eighth, 1 at least. */
export function hookSlots(max: number): number {
  return Math.max(1, Math.floor(max / 8));
}

/** Slots of so many that are kept for outcomes: an eighth, but not the only one. */
export function outcomeSlots(max: number): number {
  return max === 1 ? 0 : Math.ceil(max / 8);
}

/** While CALLs wait, hooks that wait get one slot after so many CALLs: they must not wait for ever. */
const CALLS_FOR_A_HOOK = 7;

/** Requests that share a right to slots. */
interface Share {
  /** Most of them under way. */
  readonly max: number;
  readonly isHook: boolean;
  readonly waiting: Queue<Post>;
  underWay: number;
}

function share(max: number, isHook: boolean): Share {
  return { max, isHook, waiting: new Queue<Post>(), underWay: 0 };
}

const OVERLOADED: BackendReply = { ok: false, fault: "overloaded" };

/**
 * Lets `max` requests be under way at once; more wait, in order.
 *
 * - **Outcomes** (`isOutcome`) go before all else, and an eighth of the slots is theirs alone: a backend
 *   that waits for a client's answer while it handles that client's CALL must get it even when such
 *   CALLs hold all the slots they can.
 * - **CALLs and SENDs** come next.
 * - **Hooks**: connects have an eighth of the slots at most, and so have disconnects, together never the
 *   last slot that a CALL could have. They wait behind CALLs, and get one slot in eight while CALLs wait:
 *   clients that come and go by the thousand take no more than that from those who are connected, and
 *   those who are connected do not keep others out for good.
 *
 * How many wait is bounded by those who call: each lane waits for one request at a time, `Backlog`
 * bounds the lanes, and the door bounds hooks. A slot comes free at least every request time-out, and
 * then those CALLs and connects that waited too long are given up, so a wait ends without a timer of its
 * own.
 */
export class Slots extends OuterLayer {
  readonly #max: number;
  readonly #maxWaitMs: number;
  readonly #clock: Clock;
  readonly #taken: Cell;
  readonly #awaited: Cell;
  readonly #maxBesideOutcomes: number;
  readonly #maxHooks: number;
  readonly #outcomes: Share;
  readonly #calls: Share;
  readonly #connects: Share;
  readonly #disconnects: Share;
  /** CALLs that got a slot while a hook waited for it. */
  #callsBeforeHook = 0;
  #lastHook: Share;
  /** What those given up cause waits until those who waited before have got the slot. */
  #isGivingUp = false;

  constructor(inner: Layer, options: SlotsOptions) {
    super(inner);
    const { max, maxWaitMs, clock, taken = new Cell(), awaited = new Cell() } = options;
    this.#max = max;
    this.#maxWaitMs = maxWaitMs;
    this.#clock = clock;
    this.#taken = taken;
    this.#awaited = awaited;
    this.#maxBesideOutcomes = max - outcomeSlots(max);
    this.#maxHooks = Math.max(1, this.#maxBesideOutcomes - 1);
    this.#outcomes = share(max, false);
    this.#calls = share(this.#maxBesideOutcomes, false);
    this.#connects = share(hookSlots(max), true);
    this.#disconnects = share(hookSlots(max), true);
    this.#lastHook = this.#disconnects;
  }

  override forward(post: Post): void {
    const share = this.#shareOf(post);
    const goesFirst = share.waiting.length === 0 && !this.#isGivingUp;
    if (goesFirst && this.#hasSlot(share)) return this.#begin(post, share);
    post.waitingSince = this.#clock.now();
    this.#awaited.add(1);
    share.waiting.push(post);
  }

  override replied(post: Post, reply: BackendReply): void {
    this.#taken.add(-1);
    this.#shareOf(post).underWay--;
    this.#isGivingUp = true;
    this.#giveUpLate(this.#calls);
    this.#giveUpLate(this.#connects);
    this.#isGivingUp = false;
    for (let next = this.#nextShare(); next !== undefined; next = this.#nextShare()) {
      this.#awaited.add(-1);
      this.#begin(next.waiting.shift()!, next);
    }
    this.outer.replied(post, reply);
  }

  #shareOf({ kind }: Post): Share {
    switch (kind) {
      case "call":
      case "send":
        return this.#calls;
      case "result":
      case "error":
      case "resulterror":
        return this.#outcomes;
      case "connect":
        return this.#connects;
      case "disconnect":
        return this.#disconnects;
    }
  }

  #hasSlot(share: Share): boolean {
    if (this.#taken.own >= this.#max || share.underWay >= share.max) return false;
    if (share === this.#outcomes) return true;
    const hooks = this.#connects.underWay + this.#disconnects.underWay;
    return hooks + this.#calls.underWay < this.#maxBesideOutcomes &&
      (!share.isHook || hooks < this.#maxHooks);
  }

  #begin(post: Post, share: Share): void {
    this.#taken.add(1);
    share.underWay++;
    this.inner.forward(post);
  }

  #giveUpLate({ waiting }: Share): void {
    if (waiting.length === 0) return;
    const oldest = this.#clock.now() - this.#maxWaitMs;
    while (waiting.length > 0 && waiting.peek()!.waitingSince < oldest) {
      this.#awaited.add(-1);
      this.outer.replied(waiting.shift()!, OVERLOADED);
    }
  }

  #canBegin(share: Share): boolean {
    return share.waiting.length > 0 && this.#hasSlot(share);
  }

  /** Whose first request has its turn; undefined when none can begin. */
  #nextShare(): Share | undefined {
    if (this.#canBegin(this.#outcomes)) return this.#outcomes;
    const hook = this.#nextHook();
    const isCallsTurn = hook === undefined || this.#callsBeforeHook < CALLS_FOR_A_HOOK;
    if (isCallsTurn && this.#canBegin(this.#calls)) {
      if (hook !== undefined) this.#callsBeforeHook++;
      return this.#calls;
    }
    if (hook === undefined) return undefined;
    this.#callsBeforeHook = 0;
    this.#lastHook = hook;
    return hook;
  }

  /** Both kinds of hook in turn: disconnects, which are never given up, must not shut connects out. */
  #nextHook(): Share | undefined {
    const other = this.#lastHook === this.#connects ? this.#disconnects : this.#connects;
    if (this.#canBegin(other)) return other;
    return this.#canBegin(this.#lastHook) ? this.#lastHook : undefined;
  }
}
