/**
 * How many requests may be under way to the backend at once, and of which kind.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { Cell } from "../metrics/tally.ts";
import { Queue } from "../queue/queue.ts";
import {
  type BackendReply,
  type BackendRequest,
  type Forwarder,
  isHook,
  isOutcome,
} from "./forwarder.ts";

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

/** While CALLs wait, hooks that wait get one slot after so many CALLs: they must not wait for ever. */
const CALLS_FOR_A_HOOK = 7;

interface Waiter {
  readonly since: number;
  readonly resolve: (hasSlot: boolean) => void;
}

/** Requests that share a right to slots. */
interface Share {
  /** Most of them under way. */
  readonly max: number;
  readonly isHook: boolean;
  readonly waiting: Queue<Waiter>;
  underWay: number;
  /** Hands a reply on, and its slot to the next request: one function for all. */
  readonly done: (reply: BackendReply) => BackendReply;
}

/**
 * Limits a forwarder to `max` requests at once; more wait, in order.
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
export function limitForwarder(inner: Forwarder, options: SlotsOptions): Forwarder {
  const { max, maxWaitMs, clock, taken = new Cell(), awaited = new Cell() } = options;
  const maxBesideOutcomes = max === 1 ? 1 : max - Math.ceil(max / 8);
  const maxHooks = Math.max(1, maxBesideOutcomes - 1);
  const outcomes = share(max, false);
  const calls = share(maxBesideOutcomes, false);
  const connects = share(hookSlots(max), true);
  const disconnects = share(hookSlots(max), true);
  /** CALLs that got a slot while a hook waited for it. */
  let callsBeforeHook = 0;
  let lastHook = disconnects;

  function share(max: number, isHook: boolean): Share {
    const done = (reply: BackendReply): BackendReply => {
      release(self);
      return reply;
    };
    const self: Share = { max, isHook, waiting: new Queue<Waiter>(), underWay: 0, done };
    return self;
  }

  function shareOf(request: BackendRequest): Share {
    if (isOutcome(request)) return outcomes;
    if (!isHook(request)) return calls;
    return request.kind === "connect" ? connects : disconnects;
  }

  function hasSlot(share: Share): boolean {
    if (taken.own >= max || share.underWay >= share.max) return false;
    if (share === outcomes) return true;
    const hooks = connects.underWay + disconnects.underWay;
    return hooks + calls.underWay < maxBesideOutcomes && (!share.isHook || hooks < maxHooks);
  }

  function take(share: Share): void {
    taken.add(1);
    share.underWay++;
  }

  function release(share: Share): void {
    taken.add(-1);
    share.underWay--;
    giveUpLate(calls);
    giveUpLate(connects);
    for (let next = nextShare(); next !== undefined; next = nextShare()) {
      take(next);
      next.waiting.shift()!.resolve(true);
    }
  }

  function giveUpLate({ waiting }: Share): void {
    if (waiting.length === 0) return;
    const oldest = clock.now() - maxWaitMs;
    while (waiting.length > 0 && waiting.peek()!.since < oldest) waiting.shift()!.resolve(false);
  }

  function canBegin(share: Share): boolean {
    return share.waiting.length > 0 && hasSlot(share);
  }

  /** Whose first request has its turn; undefined when none can begin. */
  function nextShare(): Share | undefined {
    if (canBegin(outcomes)) return outcomes;
    const hook = nextHook();
    if (canBegin(calls) && (hook === undefined || callsBeforeHook < CALLS_FOR_A_HOOK)) {
      if (hook !== undefined) callsBeforeHook++;
      return calls;
    }
    if (hook === undefined) return undefined;
    callsBeforeHook = 0;
    lastHook = hook;
    return hook;
  }

  /** Both kinds of hook in turn: disconnects, which are never given up, must not shut connects out. */
  function nextHook(): Share | undefined {
    const other = lastHook === connects ? disconnects : connects;
    if (canBegin(other)) return other;
    return canBegin(lastHook) ? lastHook : undefined;
  }

  async function wait(request: BackendRequest, share: Share): Promise<BackendReply> {
    awaited.add(1);
    const hasSlot = await new Promise<boolean>((resolve) =>
      share.waiting.push({ since: clock.now(), resolve })
    );
    awaited.add(-1);
    return hasSlot ? send(request, share) : { ok: false, fault: "overloaded" };
  }

  // Forwarders never reject; one that did would not keep its slot.
  function send(request: BackendRequest, share: Share): Promise<BackendReply> {
    return inner.forward(request).then(share.done, (error) => {
      share.done({ ok: false, fault: "unusable" });
      throw error;
    });
  }

  function forward(request: BackendRequest): Promise<BackendReply> {
    const share = shareOf(request);
    if (!hasSlot(share)) return wait(request, share);
    take(share);
    return send(request, share);
  }

  return { forward, close: () => inner.close() };
}
