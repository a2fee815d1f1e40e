/**
 * CALLs to a client: how its connection sends them, and who is told of their ends.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { callText } from "../codec/frame_text.ts";
import type { Dialect } from "../codec/subprotocol.ts";
import type { TraceContext } from "../codec/trace_context.ts";
import { type Identity, namesOf } from "../identity.ts";
import type { Log } from "../log/log.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { QueueLimits } from "../queue/lane.ts";
import type { HeldReport } from "../report/deliveries.ts";
import { outcomeReport } from "../report/report.ts";
import type { DeliverOptions, DeliveryState } from "../report/tracked.ts";
import type { Report } from "../outbox/entry.ts";
import type { CallSpan } from "../trace/tracing.ts";
import { type OutgoingCall, Pending } from "./pending.ts";
import { endByOutcome } from "./span.ts";

/** Whether a CALL to the client was taken. */
export type Taken = "accepted" | "duplicate" | "full" | "gone";

/** What is done with the outcome of a CALL that has ended: `report` or `drop`, once, maybe after a while. */
export interface ClaimedOutcome {
  /** It is this instance's to report. */
  report(): void;
  /** Another one has reported it. */
  drop(): void;
  /** That is being found out, and soon known: what is reported of the client later waits for it. */
  hold(): void;
  /** It is not known soon: of those that were held back nothing waits for it any longer. */
  setAside(): void;
}

/** A CALL that was accepted for somebody else. */
export interface Errand {
  /**
  /**
   * It ended: says at once, or when it is known, what becomes of its outcome. Where another instance
   * accepted it, one of both reports it.
   */
  claim(outcome: ClaimedOutcome): void;
  /** Its outcome has been reported, or will be from here alone. */
  ended(): void;
  /** What becomes of the report of its outcome. */
  moved?(state: DeliveryState): void;
}

/** The trace of a CALL that was accepted. */
export interface TracedBy {
  /** For its report. */
  readonly trace: TraceContext | undefined;
  /** Ended with the CALL; undefined when nothing is traced. */
  readonly span: CallSpan | undefined;
}

/** A CALL whose outcome the backend gets, and which has a place. */
export interface ReportedCall extends Omit<OutgoingCall, "onOutcome">, TracedBy {
  /** A UUIDv7: the `Webhook-Id` of its report. */
  readonly id: string;
}

/** The connection that the CALLs go to. */
export interface Callee extends Identity {
  readonly dialect: Dialect;
  /** Sends a frame; one for a connection that is closed is dropped. */
  write(text: string): void;
  /** Whether one more outcome can be reported. */
  hasRoomForReport(): boolean;
  /** Has the backend told, in the client's order. */
  report(report: Report, options?: DeliverOptions): void;
  /** The same, but for now only keeps its turn in the client's order. */
  holdReport(report: Report, options: DeliverOptions): HeldReport;
  /** A CALL that has a place is reported by nobody here. */
  giveUpReport(id: string): void;
  /** No CALL is left. */
  noneOutstanding(): void;
}

export interface OutgoingDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "outstanding" | "queuedCalls" | "apiCallSeconds">;
  readonly limits: QueueLimits & {
    readonly callTimeoutMs: number;
    readonly callConcurrency: number;
  };
  /** The call time-out in words, for descriptions. */
  readonly callTimeoutText: string;
}

/** Makes the place for the CALLs to a client. */
export function pendingOf(
  callee: Callee,
  { clock, log, metrics, limits }: OutgoingDeps,
): Pending {
  const { callTimeoutMs, callConcurrency, maxQueue, maxQueueChars } = limits;
  return new Pending({
    concurrency: callConcurrency,
    maxQueue,
    maxQueueChars,
    timeoutMs: callTimeoutMs,
    clock,
    onTimeout: ({ action, messageId }) => {
      const names = { ...namesOf(callee), action, messageId };
      log.warn("no answer from the client", { ...names, durationMs: callTimeoutMs });
    },
    outstandingCount: metrics.outstanding,
    queuedCount: metrics.queuedCalls,
    send: (call) => callee.write(callText("call", call.messageId, call.action, call.payload)),
    hasRoom: () => callee.hasRoomForReport(),
    onEmpty: () => callee.noneOutstanding(),
  });
}

/**
 * A CALL whose outcome the backend gets as `/result` or `/error`.
 *
 * @param errand Says, when the CALL ends, whether its outcome is reported here, and is told when it was.
 */
export function reportedCall(
  callee: Callee,
  { clock, metrics, callTimeoutText }: OutgoingDeps,
  call: ReportedCall,
  errand: Errand,
): OutgoingCall {
  const { messageId, action, payload, watch } = call;
  const since = clock.now();

  return {
    messageId,
    action,
    payload,
    watch,
    onOutcome(outcome) {
      metrics.apiCallSeconds.observe((clock.now() - since) / 1000);
      if (call.span !== undefined) endByOutcome(call.span, outcome);
      const report = outcomeReport(call, outcome, callee.dialect, callTimeoutText);
      errand.claim(new Telling(callee, report, call.id, errand));
    },
  };
}

/** The outcome of a CALL that has a place. */
class Telling implements ClaimedOutcome {
  readonly #callee: Callee;
  readonly #report: Report;
  readonly #options: DeliverOptions;
  #held: HeldReport | undefined;

  constructor(callee: Callee, report: Report, id: string, errand: Errand) {
    this.#callee = callee;
    this.#report = report;
    let isEnded = false;
    this.#options = {
      id,
      hasPlace: true,
      told(state) {
        errand.moved?.(state);
        if (isEnded || state === "waiting") return;
        isEnded = true;
        errand.ended();
      },
    };
  }

  report(): void {
    if (this.#held === undefined) this.#callee.report(this.#report, this.#options);
    else this.#held.release();
  }

  drop(): void {
    if (this.#held === undefined) this.#callee.giveUpReport(this.#options.id!);
    else this.#held.withdraw();
  }

  hold(): void {
    this.#held ??= this.#callee.holdReport(this.#report, this.#options);
  }

  setAside(): void {
    this.#held?.setAside();
  }
}
