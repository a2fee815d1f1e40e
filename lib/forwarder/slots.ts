/**
 * How many requests may be under way to the backend at once, and of which kind.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import { Cell } from "../metrics/tally.ts";
import { Queue } from "../queue/queue.ts";
import { CallSlots, LOOK_MS } from "./call_slots.ts";
import type { BackendReply } from "./forwarder.ts";
import { type Layer, OuterLayer, type Post } from "./layer.ts";
import { Scarcity, type SlotsEvents } from "./scarcity.ts";

export interface SlotsOptions {
  /** Most requests under way. */
  readonly max: number;
  /** How long a CALL, SEND or connect hook may wait for its slot before it is given up. */
  readonly maxWaitMs: number;
  readonly clock: Clock;
  /** Where requests under way are counted, and those that wait. */
  readonly taken?: Cell;
  readonly awaited?: Cell;
  /** Where CALLs and SENDs that are under way for longer than a second are counted, while many are. */
  readonly hanging?: Cell;
  /** Where clients are counted that wait behind others since their CALLs hang. */
  readonly slowClients?: Cell;
  readonly events?: SlotsEvents;
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
 * - **CALLs and SENDs** come next. While some hang, `CallSlots` says whose: those of other clients go
 *   before them.
 * - **Hooks**: connects have an eighth of the slots at most, and so have disconnects, together never the
 *   last slot that a CALL could have. They wait behind CALLs, and get one slot in eight while CALLs wait:
 *   clients that come and go by the thousand take no more than that from those who are connected, and
 *   those who are connected do not keep others out for good.
 *
 * How many wait is bounded by those who call: each lane waits for one request at a time, `Backlog`
 * bounds the lanes, and the door bounds hooks. A slot comes free at least every request time-out, and
 * then those CALLs and connects that waited too long are given up, so a wait ends without a timer of its
 * own. The one timer, while requests wait or many CALLs are under way, looks how old they are.
 */
export class Slots extends OuterLayer {
  readonly #max: number;
  readonly #maxWaitMs: number;
  readonly #clock: Clock;
  readonly #taken: Cell;
  readonly #awaited: Cell;
  readonly #hanging: Cell;
  readonly #slowClients: Cell;
  readonly #scarcity: Scarcity;
  readonly #maxBesideOutcomes: number;
  readonly #maxHooks: number;
  readonly #outcomes: Share;
  readonly #calls: CallSlots;
  readonly #connects: Share;
  readonly #disconnects: Share;
  /** CALLs that got a slot while a hook waited for it. */
  #callsBeforeHook = 0;
  #lastHook: Share;
  /** What those given up cause waits until those who waited before have got the slot. */
  #isGivingUp = false;
  #timer: Timer | undefined;

  constructor(inner: Layer, options: SlotsOptions) {
    super(inner);
    const { max, maxWaitMs, clock } = options;
    this.#max = max;
    this.#maxWaitMs = maxWaitMs;
    this.#clock = clock;
    this.#taken = options.taken ?? new Cell();
    this.#awaited = options.awaited ?? new Cell();
    this.#hanging = options.hanging ?? new Cell();
    this.#slowClients = options.slowClients ?? new Cell();
    this.#scarcity = new Scarcity(options.events ?? { scarce() {}, free() {} });
    this.#maxBesideOutcomes = max - outcomeSlots(max);
    this.#maxHooks = Math.max(1, this.#maxBesideOutcomes - 1);
    this.#outcomes = share(max, false);
    this.#calls = new CallSlots(this.#maxBesideOutcomes, maxWaitMs);
    this.#connects = share(hookSlots(max), true);
    this.#disconnects = share(hookSlots(max), true);
    this.#lastHook = this.#disconnects;
  }

  /** Whether it has a timer; it ends at a look that finds nothing under way. */
  get isLooking(): boolean {
    return this.#timer !== undefined;
  }

  override forward(post: Post): void {
    const share = this.#shareOf(post);
    if (share === undefined) return this.#forwardCall(post);
    const goesFirst = share.waiting.length === 0 && !this.#isGivingUp;
    if (goesFirst && this.#hasSlot(share)) this.#begin(post, share);
    else this.#wait(post, share.waiting);
  }

  override replied(post: Post, reply: BackendReply): void {
    this.#taken.add(-1);
    const share = this.#shareOf(post);
    if (share === undefined) this.#calls.end(post, reply);
    else share.underWay--;
    if (this.#awaited.own > 0) this.#goOn();
    this.outer.replied(post, reply);
  }

  override close(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.inner.close();
  }

  #forwardCall(post: Post): void {
    const calls = this.#calls;
    calls.judge(post);
    const goesFirst = calls.queueOf(post).length === 0 && !this.#isGivingUp;
    if (!goesFirst || !this.#hasPlaceForCall || !calls.hasSlot(post.standing)) {
      return this.#wait(post, calls.queueOf(post));
    }
    this.#beginCall(post);
    if (this.#timer === undefined && calls.isWorthALook) this.#lookLater();
  }

  #wait(post: Post, waiting: Queue<Post>): void {
    post.waitingSince = this.#clock.now();
    this.#awaited.add(1);
    waiting.push(post);
    if (this.#timer === undefined) this.#lookLater();
  }

  /** A slot has come free. */
  #goOn(): void {
    this.#isGivingUp = true;
    for (const queue of this.#calls.queues) this.#giveUpLate(queue);
    this.#giveUpLate(this.#connects.waiting);
    this.#isGivingUp = false;
    while (this.#beginNext());
  }

  /** The share of what is no CALL or SEND. */
  #shareOf({ kind }: Post): Share | undefined {
    switch (kind) {
      case "call":
      case "send":
        return undefined;
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

  /** Whether there is a slot that is not for outcomes. */
  get #hasPlaceForCall(): boolean {
    return this.#taken.own < this.#max && this.#besideOutcomes < this.#maxBesideOutcomes;
  }

  get #besideOutcomes(): number {
    return this.#calls.underWay + this.#connects.underWay + this.#disconnects.underWay;
  }

  #hasSlot(share: Share): boolean {
    if (this.#taken.own >= this.#max || share.underWay >= share.max) return false;
    if (share === this.#outcomes) return true;
    return this.#besideOutcomes < this.#maxBesideOutcomes &&
      this.#connects.underWay + this.#disconnects.underWay < this.#maxHooks;
  }

  #begin(post: Post, share: Share): void {
    this.#taken.add(1);
    share.underWay++;
    this.inner.forward(post);
  }

  #beginCall(post: Post): void {
    this.#taken.add(1);
    this.#calls.begin(post);
    this.inner.forward(post);
  }

  #giveUpLate(waiting: Queue<Post>): void {
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

  /** Begins the request whose turn it is; false when none can begin. */
  #beginNext(): boolean {
    if (this.#canBegin(this.#outcomes)) return this.#beginFirst(this.#outcomes);
    const hook = this.#nextHook();
    const isCallsTurn = hook === undefined || this.#callsBeforeHook < CALLS_FOR_A_HOOK;
    const calls = isCallsTurn && this.#hasPlaceForCall ? this.#calls.next() : undefined;
    if (calls !== undefined) {
      if (hook !== undefined) this.#callsBeforeHook++;
      this.#awaited.add(-1);
      this.#beginCall(calls.shift()!);
      return true;
    }
    if (hook === undefined) return false;
    this.#callsBeforeHook = 0;
    this.#lastHook = hook;
    return this.#beginFirst(hook);
  }

  #beginFirst(share: Share): true {
    this.#awaited.add(-1);
    this.#begin(share.waiting.shift()!, share);
    return true;
  }

  /** Both kinds of hook in turn: disconnects, which are never given up, must not shut connects out. */
  #nextHook(): Share | undefined {
    const other = this.#lastHook === this.#connects ? this.#disconnects : this.#connects;
    if (this.#canBegin(other)) return other;
    return this.#canBegin(this.#lastHook) ? this.#lastHook : undefined;
  }

  #lookLater(): void {
    this.#timer = this.#clock.setTimeout(() => this.#look(), LOOK_MS);
  }

  #look(): void {
    this.#timer = undefined;
    this.#calls.look();
    const { hanging, slowClients } = this.#calls;
    this.#hanging.own = hanging;
    this.#slowClients.own = slowClients;
    // What is known of clients has changed, and with it who may begin.
    if (this.#awaited.own > 0) this.#goOn();
    const [taken, waiting] = [this.#taken.own, this.#awaited.own];
    const now = this.#clock.now();
    this.#scarcity.see(now, now - this.#waitingSince(now), {
      taken,
      waiting,
      hanging,
      slowClients,
    });
    const isWorthALook = waiting > 0 || this.#calls.isWorthALook || this.#scarcity.isTold;
    if (!isWorthALook) this.#hanging.own = 0;
    else if (this.#timer === undefined) this.#lookLater();
  }

  /** Since when the request waits that waits longest. */
  #waitingSince(now: number): number {
    const shares = [this.#outcomes, this.#connects, this.#disconnects];
    return [...this.#calls.queues, ...shares.map(({ waiting }) => waiting)]
      .reduce((oldest, queue) => Math.min(oldest, queue.peek()?.waitingSince ?? now), now);
  }
}
