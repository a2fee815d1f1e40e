/**
 * CALLs to a client: those that wait their turn, and those that wait for the client's answer.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import { Cell } from "../metrics/tally.ts";
import type { CallOutcome } from "../report/outcome.ts";

/** A CALL on its way to a client. */
export interface OutgoingCall {
  readonly messageId: string;
  readonly action: string;
  /** A JSON object's text. */
  readonly payload: string;
  /** Called exactly once, unless `Pending.abandon` comes first. */
  readonly onOutcome: (outcome: CallOutcome) => void;
  /** Told how far it gets, also when nobody waits for its outcome any longer. */
  readonly watch?: CallWatch | undefined;
}

/** Who is told how far a CALL gets. */
export interface CallWatch {
  sent(): void;
  /** Once, and not for one that was abandoned before it was sent. */
  ended(outcome: CallOutcome): void;
}

interface Sent {
  readonly call: OutgoingCall;
  readonly timer: Timer;
  isAbandoned: boolean;
}

export interface PendingOptions {
  /** CALLs that may be outstanding at once (OCPP-J 1.6 §4.1.1 wants one). */
  readonly concurrency: number;
  /** CALLs that may wait their turn behind those. */
  readonly maxQueue: number;
  /** What their payloads may come to, in UTF-16 code units; no bound without. */
  readonly maxQueueChars?: number;
  /** How long the client may take for one answer. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Told of each CALL that the client did not answer in time. */
  readonly onTimeout?: (call: OutgoingCall) => void;
  /** Where CALLs that the client has not answered are counted, and those that wait their turn. */
  readonly outstandingCount?: Cell;
  readonly queuedCount?: Cell;
  /** Writes the CALL to the client. */
  readonly send: (call: OutgoingCall) => void;
  /** Whether one more outcome can be taken: a backend that is behind with them slows the CALLs. */
  readonly hasRoom: () => boolean;
  /** Called each time when no CALL is left. */
  readonly onEmpty: () => void;
}

/**
 * Owns the CALLs to one client and their timers.
 *
 * - Each ends exactly once, through its `onOutcome`, unless it is abandoned.
 * - No two of them have the same MessageId.
 * - They are sent in the order in which they were taken, and no more than `concurrency` are outstanding;
 *   each of those has a timer, and no other has.
 */
export class Pending {
  readonly #options: PendingOptions;
  readonly #queue: OutgoingCall[] = [];
  #queuedChars = 0;
  readonly #outstandingCount: Cell;
  readonly #queuedCount: Cell;
  readonly #sent = new Map<string, Sent>();

  constructor(options: PendingOptions) {
    this.#options = options;
    this.#outstandingCount = options.outstandingCount ?? new Cell();
    this.#queuedCount = options.queuedCount ?? new Cell();
  }

  /** CALLs that the client has not answered. */
  get outstanding(): number {
    return this.#sent.size;
  }

  /** CALLs that wait their turn. */
  get waiting(): number {
    return this.#queue.length;
  }

  /**
   * Takes a CALL, and sends it when its turn is now.
   *
   * @returns `duplicate` when a CALL with this MessageId has not ended, `full` when the queue is:
   * the CALL was not taken then.
   */
  submit(call: OutgoingCall): "accepted" | "duplicate" | "full" {
    const refusal = this.refusalOf(call.messageId);
    if (refusal !== null) return refusal;
    this.#queue.push(call);
    this.#queuedCount.add(1);
    this.#queuedChars += call.payload.length;
    this.pump();
    return "accepted";
  }

  /** Why a CALL with this MessageId would not be taken now; null when it would. */
  refusalOf(messageId: string): "duplicate" | "full" | null {
    if (this.#sent.has(messageId) || this.#queue.some((other) => other.messageId === messageId)) {
      return "duplicate";
    }
    const { maxQueue, maxQueueChars = Infinity } = this.#options;
    return this.#queue.length >= maxQueue || this.#queuedChars >= maxQueueChars ? "full" : null;
  }

  /** The Action of the outstanding CALL with this MessageId; undefined when there is none. */
  actionOf(messageId: string): string | undefined {
    return this.#sent.get(messageId)?.call.action;
  }

  /** Sends what may be sent. To be called again when `hasRoom` turns true. */
  pump(): void {
    const { concurrency, clock, timeoutMs, send, hasRoom } = this.#options;
    while (this.#queue.length > 0 && this.#sent.size < concurrency && hasRoom()) {
      const call = this.#queue.shift()!;
      this.#queuedCount.add(-1);
      this.#queuedChars -= call.payload.length;
      const timer = clock.setTimeout(() => {
        this.#options.onTimeout?.(call);
        this.settle(call.messageId, { kind: "timeout" });
      }, timeoutMs);
      this.#sent.set(call.messageId, { call, timer, isAbandoned: false });
      this.#outstandingCount.add(1);
      call.watch?.sent();
      send(call);
    }
  }

  /**
   * The CALL with this MessageId ended.
   *
   * @returns False when no such CALL is outstanding.
   */
  settle(messageId: string, outcome: CallOutcome): boolean {
    const sent = this.#sent.get(messageId);
    if (sent === undefined) return false;
    this.#options.clock.clearTimeout(sent.timer);
    this.#sent.delete(messageId);
    this.#outstandingCount.add(-1);
    sent.call.watch?.ended(outcome);
    if (!sent.isAbandoned) sent.call.onOutcome(outcome);
    this.pump();
    this.#reportEmpty();
    return true;
  }

  /**
   * Nobody waits for this CALL's outcome any longer; `onOutcome` will not be called. One that was
   * sent stays outstanding until it is answered or times out; one that was not never will be.
   *
   * @returns Whether it was sent.
   */
  abandon(call: OutgoingCall): boolean {
    const sent = this.#sent.get(call.messageId);
    if (sent?.call === call) {
      sent.isAbandoned = true;
      return true;
    }
    const index = this.#queue.indexOf(call);
    if (index === -1) return false;
    this.#queue.splice(index, 1);
    this.#queuedCount.add(-1);
    this.#queuedChars -= call.payload.length;
    this.#reportEmpty();
    return false;
  }

  /** Ends all: the connection went. */
  endAll(reason: string): void {
    const sent = [...this.#sent.values()];
    const queue = this.#queue.splice(0);
    this.#sent.clear();
    this.#outstandingCount.add(-sent.length);
    this.#queuedCount.add(-queue.length);
    for (const { call, timer, isAbandoned } of sent) {
      this.#options.clock.clearTimeout(timer);
      const outcome = { kind: "gone", wasSent: true, reason } as const;
      call.watch?.ended(outcome);
      if (!isAbandoned) call.onOutcome(outcome);
    }
    for (const call of queue) {
      const outcome = { kind: "gone", wasSent: false, reason } as const;
      call.watch?.ended(outcome);
      call.onOutcome(outcome);
    }
  }

  #reportEmpty(): void {
    if (this.#sent.size === 0 && this.#queue.length === 0) this.#options.onEmpty();
  }
}
