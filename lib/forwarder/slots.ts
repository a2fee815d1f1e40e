/**
 * How many requests may be under way to the backend at once.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { Cell } from "../metrics/tally.ts";
import { Queue } from "../queue/queue.ts";
import type { BackendReply, BackendRequest, Forwarder } from "./forwarder.ts";

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

interface Waiter {
  readonly since: number;
  readonly resolve: (hasSlot: boolean) => void;
}

/**
 * Limits a forwarder to `max` requests at once; more wait, in order.
 *
 * Outcomes (`isOutcome`) and disconnects go before CALLs, and an eighth of the slots is theirs alone: a
 * backend that waits for a client's answer while it handles that client's CALL must get it even
 * when such CALLs hold all the slots they can.
 *
 * How many wait is bounded by those who call: each lane waits for one request at a time, and
 * `Backlog` bounds the lanes. A slot comes free at least every request time-out, and then those
 * CALLs that waited too long are given up, so a wait ends without a timer of its own.
 */
export function limitForwarder(inner: Forwarder, options: SlotsOptions): Forwarder {
  const { max, maxWaitMs, clock, taken = new Cell(), awaited = new Cell() } = options;
  const maxForCalls = max === 1 ? 1 : max - Math.ceil(max / 8);
  const outcomes = new Queue<Waiter>();
  const calls = new Queue<Waiter>();
  let callsUnderWay = 0;

  function isCall(request: BackendRequest): boolean {
    return request.kind === "call" || request.kind === "send" || request.kind === "connect";
  }

  function take(forCall: boolean): boolean {
    if (taken.own >= max || (forCall && callsUnderWay >= maxForCalls)) return false;
    taken.add(1);
    if (forCall) callsUnderWay++;
    return true;
  }

  function release(forCall: boolean): void {
    taken.add(-1);
    if (forCall) callsUnderWay--;
    while (outcomes.length > 0 && take(false)) outcomes.shift()!.resolve(true);
    const oldest = clock.now() - maxWaitMs;
    while (calls.length > 0) {
      if (calls.peek()!.since < oldest) calls.shift()!.resolve(false);
      else if (take(true)) calls.shift()!.resolve(true);
      else break;
    }
  }

  function releaseCall(reply: BackendReply): BackendReply {
    release(true);
    return reply;
  }

  function releaseOutcome(reply: BackendReply): BackendReply {
    release(false);
    return reply;
  }

  async function wait(request: BackendRequest, forCall: boolean): Promise<BackendReply> {
    const queue = forCall ? calls : outcomes;
    awaited.add(1);
    const hasSlot = await new Promise<boolean>((resolve) =>
      queue.push({ since: clock.now(), resolve })
    );
    awaited.add(-1);
    return hasSlot ? send(request, forCall) : { ok: false, fault: "overloaded" };
  }

  // Forwarders never reject.
  function send(request: BackendRequest, forCall: boolean): Promise<BackendReply> {
    return inner.forward(request).then(forCall ? releaseCall : releaseOutcome);
  }

  function forward(request: BackendRequest): Promise<BackendReply> {
    const forCall = isCall(request);
    return take(forCall) ? send(request, forCall) : wait(request, forCall);
  }

  return { forward, close: () => inner.close() };
}
