/**
 * What one client asks of the backend: its CALLs and SENDs, and the answers.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Call } from "../codec/frame.ts";
import { isSuccess } from "../codec/reply.ts";
import { traceIdOf } from "../codec/trace_context.ts";
import { type BackendReply, type Forwarder, isFailing } from "../forwarder/forwarder.ts";
import type { Reach } from "../forwarder/reach.ts";
import { namesOf } from "../identity.ts";
import type { Log } from "../log/log.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Backlog } from "../queue/backlog.ts";
import { Lane, type LaneOptions, type QueueLimits } from "../queue/lane.ts";
import type { Tracing } from "../trace/tracing.ts";
import type { Inspect } from "../validate/inspector.ts";
import { answerTo, internalError } from "./answer.ts";
import { type CallOwner, CallUnderWay } from "./call_under_way.ts";
import type { Caller } from "./caller.ts";
import type { Ending } from "./ending.ts";
import { causeOf, failureOf, whatIsTold } from "./failure.ts";
import type { ClientRate } from "./rate.ts";
import { Refusals } from "./refusals.ts";
import { endByReply } from "./span.ts";

export interface CallsDeps {
  readonly forwarder: Forwarder;
  readonly backlog: Backlog;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<
    Metrics,
    | "requestsStarted"
    | "requestsSucceeded"
    | "requestsFailed"
    | "backendRequests"
    | "callSeconds"
    | "callsFailed"
    | "queueFull"
    | "droppedCalls"
  >;
  readonly limits: QueueLimits;
  /** Undefined when a client may send as fast as it is served. */
  readonly rate?: ClientRate | undefined;
  /** Checks payloads against their schemas; undefined when nothing is checked. */
  readonly inspect?: Inspect | undefined;
  /** Undefined when nothing is traced. */
  readonly tracing?: Tracing | undefined;
  /**
   * Says when clients are closed in place of an answer; undefined when they never are
   * (`--backend-away answer`).
   */
  readonly closesWhen?: Pick<Reach, "isAway" | "isReachable"> | undefined;
  /** The backend time-out in words, for descriptions. */
  readonly backendTimeoutText: string;
}

/**
 * The CALL that has the MessageId of one that came: `none`, the `same` one or, from the second repeat
 * on, the same `again`, or an `other`.
 */
export type Namesake = "none" | "same" | "again" | "other";

/**
 * Forwards the CALLs and SENDs of one connection, one after the other in the order sent. Made for the
 * first one and dropped when none is left; it may live longer than the socket.
 */
export class Calls implements LaneOptions<CallUnderWay>, CallOwner {
  readonly caller: Caller;
  readonly encodedClientId: string;
  readonly #deps: CallsDeps;
  readonly #lane: Lane<CallUnderWay>;
  /** Null while the last one was taken. */
  #refusals: Refusals | null = null;
  #isDropped = false;

  constructor(caller: Caller, deps: CallsDeps) {
    this.caller = caller;
    this.encodedClientId = encodeURIComponent(caller.clientId);
    this.#deps = deps;
    this.#lane = new Lane(this);
  }

  get maxWaiting(): number {
    return this.#deps.limits.maxQueue;
  }

  get maxSize(): number {
    return this.#deps.limits.maxQueueChars;
  }

  sizeOf({ call }: CallUnderWay): number {
    return call.payload.length;
  }

  onIdle(): void {
    this.#refusals?.end();
    this.caller.callsDone();
  }

  get isDropped(): boolean {
    return this.#isDropped;
  }

  /** CALLs and SENDs that wait or are under way. */
  get count(): number {
    return this.#lane.count;
  }

  /** Whether the next one would be refused. */
  get isFull(): boolean {
    return this.#lane.isFull || this.#refusals?.isOver === true;
  }

  /** Looks for a CALL that waits or is under way and has the MessageId of one that came. */
  namesakeOf({ kind, action, messageId, payload }: Call): Namesake {
    if (kind === "send") return "none";
    const waiting = this.#lane.find(({ call }) =>
      call.kind === "call" && call.messageId === messageId
    );
    if (waiting === undefined) return "none";
    const { call, isRepeated } = waiting;
    if (call.action !== action || call.payload !== payload) return "other";
    waiting.isRepeated = true;
    return isRepeated ? "again" : "same";
  }

  /** Takes a CALL or SEND that has no namesake, or refuses it. */
  push(call: Call): void {
    if (this.isFull) return this.refuse(call);
    const { backlog, clock } = this.#deps;
    this.#refusals = null;
    backlog.enter(call.payload);
    this.#lane.push(new CallUnderWay(call, clock.now(), this));
  }

  /** Answers a CALL that finds no place, and drops a SEND; after many of these the client is closed. */
  refuse(call: Call): void {
    this.#refusals ??= new Refusals(this.caller, this.#deps);
    this.#refusals.add(call, this.#lane.waiting);
  }

  /**
   * The client has gone. The CALLs that it left go to the backend all the same, but not when it keeps
   * them, nor when much waits: otherwise those who flood and leave would keep the place of those who stay.
   */
  connectionEnded({ dropsCalls }: Ending): void {
    this.#refusals?.stop();
    const { backlog, log, metrics } = this.#deps;
    if (dropsCalls === true) this.#isDropped = true;
    else if (!backlog.isPressed) return;
    const dropped = this.#lane.clear();
    for (const { call } of dropped) {
      backlog.leave(call.payload);
      if (dropsCalls === true) metrics.droppedCalls[call.kind].add(1);
      if (call.kind === "call") {
        metrics.callsFailed[dropsCalls === true ? "away" : "refused"].add(1);
      }
    }
    if (dropped.length === 0) return;
    const count = dropped.length;
    log.warn("CALLs of a departed client dropped", { ...namesOf(this.caller), count });
  }

  /** Forwards one; `replied` follows. */
  handle(waiting: CallUnderWay): void {
    try {
      const turn = this.#deps.rate?.take(this.caller);
      if (turn === undefined) return this.#forward(waiting);
      void turn.then(() => this.#forward(waiting)).catch((error) => this.#broke(waiting, error));
    } catch (error) {
      this.#broke(waiting, error);
    }
  }

  #broke(waiting: CallUnderWay, error: unknown): void {
    this.#deps.backlog.leave(waiting.call.payload);
    this.#lane.broke(waiting, error);
  }

  #forward(waiting: CallUnderWay): void {
    const { forwarder, clock, metrics, tracing } = this.#deps;
    const { call, since } = waiting;
    // It had to wait because of `--client-rate`.
    if (this.#isDropped) return this.replied(waiting, { ok: false, fault: "away" });
    waiting.span = tracing?.fromClient({
      kind: call.kind,
      action: call.action,
      messageId: call.messageId,
      client: this.caller,
    }, clock.now() - since);
    metrics.requestsStarted.add(1);
    forwarder.forward(waiting, waiting);
  }

  /** What came of one: it is answered, and the next one has its turn. */
  replied(waiting: CallUnderWay, reply: BackendReply): void {
    this.#deps.backlog.leave(waiting.call.payload);
    try {
      if (this.#closesFor(waiting, reply)) this.#close(waiting, reply);
      else this.#answer(waiting, reply);
    } catch (error) {
      return this.#lane.broke(waiting, error);
    }
    this.#lane.done(waiting);
  }

  #closesFor({ kind }: CallUnderWay, reply: BackendReply): boolean {
    const { closesWhen } = this.#deps;
    if (closesWhen === undefined || kind === "send") return false;
    if (!reply.ok) return reply.fault === "away";
    return closesWhen.isAway && isFailing(reply);
  }

  /** The backend is away: no answer lets the client keep what it sent. */
  #close(waiting: CallUnderWay, reply: BackendReply): void {
    const failure = reply.ok ? `status ${reply.status}` : "away";
    this.#deps.metrics.droppedCalls.call.add(1);
    this.#deps.metrics.callsFailed[reply.ok ? "away" : causeOf(reply)].add(1);
    this.#failed(waiting, failure, null);
    waiting.isAnswered = true;
    this.caller.backendAway();
    if (waiting.span !== undefined) endByReply(waiting.span, reply, null);
  }

  #failed({ call, since, span }: CallUnderWay, failure: string, answer: string | null): void {
    const { clock, metrics, log } = this.#deps;
    metrics.requestsFailed.add(1);
    const { action, messageId } = call;
    const durationMs = Math.round(clock.now() - since);
    const names = { ...namesOf(this.caller), action, messageId };
    const told = answer === null ? {} : whatIsTold(answer);
    const trace = span === undefined ? {} : { traceId: traceIdOf(span.context) };
    log.warn("backend failed", { ...names, failure, ...told, durationMs, ...trace });
  }

  #answer(waiting: CallUnderWay, reply: BackendReply): void {
    const { clock, metrics } = this.#deps;
    const { call, since, span } = waiting;
    const answer = call.kind === "send" ? null : answerTo(call, reply, this.caller, this.#deps);
    const failure = failureOf(reply, answer);
    if (failure === null) metrics.requestsSucceeded.add(1);
    else this.#failed(waiting, failure, answer);
    if (answer !== null) {
      if (reply.ok && isSuccess(reply.status)) {
        metrics.backendRequests.call[failure === null ? "2xx" : "invalid"].add(1);
      }
      if (failure === null) metrics.callSeconds.observe((clock.now() - since) / 1000);
      else metrics.callsFailed[causeOf(reply)].add(1);
      waiting.isAnswered = true;
      this.caller.answer(answer, call);
    }
    if (span !== undefined) endByReply(span, reply, answer);
  }

  /** A fault of ours: the client gets an answer all the same, and its next CALLs are handled. */
  failed(error: unknown, waiting: CallUnderWay | undefined): void {
    const { log, metrics } = this.#deps;
    log.error("a CALL failed", { ...namesOf(this.caller), error: String(error) });
    if (waiting === undefined || waiting.isAnswered) return;
    metrics.requestsFailed.add(1);
    const { call } = waiting;
    if (call.kind === "send") return;
    metrics.callsFailed.refused.add(1);
    this.caller.answer(internalError(call, this.caller, "the gateway failed"), call);
  }
}
