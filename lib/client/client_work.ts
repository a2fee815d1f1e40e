/**
 * What is under way for one client, in both directions.
 *
 * @module
 */

import type { Call, Frame, FrameFault } from "../codec/frame.ts";
import { callText, frameKind } from "../codec/frame_text.ts";
import type { QueueLimits } from "../queue/lane.ts";
import type { Report } from "../outbox/entry.ts";
import type { Deliveries, HeldReport } from "../report/deliveries.ts";
import type { RoomSeeker } from "../report/report_lane.ts";
import type { DeliverOptions } from "../report/tracked.ts";
import type { Caller } from "./caller.ts";
import { Calls, type CallsDeps } from "./calls.ts";
import { ClientSocket, type ClientSocketDeps } from "./client_socket.ts";
import type { ConnectionState } from "./connection_state.ts";
import type { Ending } from "./ending.ts";
import type { HeldBack, Sender } from "./held_back.ts";
import {
  type IncomingDeps,
  isAdmitted,
  refuseFrame,
  refuseNamesake,
  reportOf,
  settleCall,
} from "./incoming.ts";
import {
  type Callee,
  type Errand,
  type OutgoingDeps,
  pendingOf,
  type ReportedCall,
  reportedCall,
  type Taken,
} from "./outgoing.ts";
import type { OutgoingCall, Pending } from "./pending.ts";
import { SentResults } from "./sent_results.ts";

/**
 * What a CALL that finds no place counts for. There may be 1,000 of them for each one that is taken, and
 * a fast backend takes many: so no client gets more than 10,000 in a second.
 */
const REFUSAL_MS = 0.02;

/** What the parts need: each of them sees its own share. */
export interface ClientWorkDeps extends CallsDeps, ClientSocketDeps, IncomingDeps, OutgoingDeps {
  readonly deliveries: Pick<
    Deliveries,
    "deliver" | "hold" | "giveUp" | "hasRoom" | "forgetSeeker" | "countOf" | "roomForResultError"
  >;
  readonly heldBack: HeldBack;
  readonly metrics:
    & CallsDeps["metrics"]
    & ClientSocketDeps["metrics"]
    & IncomingDeps["metrics"]
    & OutgoingDeps["metrics"];
  readonly limits:
    & QueueLimits
    & ClientSocketDeps["limits"]
    & OutgoingDeps["limits"];
}

/**
 * Owns what is under way for one client: its CALLs, the CALLs to it, and the CALLRESULTs that it may
 * refuse.
 *
 * - CALLs of the client go to the backend in one lane, the outcomes of CALLs to it in another, so that
 *   a backend that waits for an outcome while it handles a CALL is not stuck. That one belongs to the
 *   client, over all of its connections, and is no part of this.
 * - Each part exists only while it holds something. The lane lives on after the socket until it is
 *   empty.
 *
 * A base of `Connection` rather than a part of it: an idle client is one object and its socket.
 */
export abstract class ClientWork<D extends ClientWorkDeps> extends ClientSocket<D>
  implements Caller, Callee, RoomSeeker, Sender {
  #calls: Calls | null = null;
  #pending: Pending | null = null;
  #sentResults: SentResults | null = null;

  /** A part has nothing left. */
  protected abstract partDone(): void;

  abstract queueFull(): void;

  abstract backendAway(): void;

  /** Whether nothing is under way, and nothing waits. */
  protected get isIdle(): boolean {
    return this.#calls === null && this.#pending === null && !this.hasUnsent &&
      !this.deps.heldBack.keepsOf(this);
  }

  /** What it is about at this moment. */
  get state(): ConnectionState {
    return {
      lastActivityAt: this.lastActivityAt,
      heardAt: this.heardAt,
      framesIn: this.framesIn,
      framesOut: this.framesOut,
      waiting: this.waiting,
      outstanding: this.#pending?.outstanding ?? 0,
      errors: this.errors,
    };
  }

  /** Messages that wait for the backend or for their turn to go to the client. */
  get waiting(): number {
    return (this.#calls?.count ?? 0) + this.deps.deliveries.countOf(this.clientId) +
      (this.#pending?.waiting ?? 0);
  }

  /**
   * Sends a CALL to the client, or puts it into the queue for it.
   *
   * @param call Its `onOutcome` is called exactly once, unless `abandon` comes first.
   */
  call(call: OutgoingCall): Taken {
    if (this.isClosed) return "gone";
    this.#pending ??= pendingOf(this, this.deps);
    return this.#pending.submit(call);
  }

  /** Why a CALL with this MessageId would not be taken now; null when it would. */
  refusalOf(messageId: string): Exclude<Taken, "accepted"> | null {
    return this.isClosed ? "gone" : this.#pending?.refusalOf(messageId) ?? null;
  }

  /**
   * Sends a CALL whose outcome the backend gets as `/result` or `/error`.
   *
   * @param call What to send.
   * @param errand Says, when the CALL ends, whether its outcome is reported here, and is told when it was.
   */
  callForBackend(call: ReportedCall, errand: Errand): Taken {
    return this.call(reportedCall(this, this.deps, call, errand));
  }

  /**
   * Nobody waits for this CALL any longer.
   *
   * @returns Whether it was sent; one that was not never will be.
   */
  abandon(call: OutgoingCall): boolean {
    return this.#pending?.abandon(call) ?? true;
  }

  /**
   * Sends a SEND, which nobody answers.
   *
   * @returns False when the connection is closed.
   */
  send(messageId: string, action: string, payload: string): boolean {
    if (this.isClosed) return false;
    this.write(callText("send", messageId, action, payload));
    return true;
  }

  /** The socket is no more: CALLs to the client end, and what came of it before goes to the backend. */
  protected endWork(ending: Ending): void {
    this.deps.heldBack.forget(this);
    this.#calls?.connectionEnded(ending);
    this.#sentResults?.clear();
    const pending = this.#pending;
    this.#pending = null;
    if (pending === null) return;
    this.deps.deliveries.forgetSeeker(this.clientId, this);
    pending.endAll(ending.description);
  }

  /** A frame has come. */
  protected receive(frame: Frame): void {
    switch (frame.kind) {
      case "call":
      case "send":
        return this.take(frame);
      case "result":
      case "error":
        return settleCall(this, this.deps, this.#pending, frame) ? undefined : this.ledNowhere();
      case "resulterror": {
        const report = reportOf(this, this.deps, this.#sentResults, frame);
        return report === null ? this.ledNowhere() : this.report(report);
      }
    }
  }

  // Not `#take`: for the private methods of a class each of its objects has a field more.
  take(call: Call): void {
    const calls = this.#calls;
    const { closesWhen, backlog, heldBack, metrics } = this.deps;
    const namesake = calls === null ? "none" : calls.namesakeOf(call);
    if (namesake !== "none") {
      refuseNamesake(this, this.deps, call, namesake);
      return this.ledNowhere();
    }
    // One that need not wait may be let through, to see whether the backend is back. And before the backend
    // counts as away, what waits for it may have filled all the room there is.
    const { isFull } = backlog;
    // A socket that breaks tells what it had read: that goes with what it had not.
    if ((isFull || calls?.isFull === true) && heldBack.isHeld(this)) return;
    const isHopeless = closesWhen !== undefined && call.kind === "call" &&
      (closesWhen.isAway ? calls !== null || isFull : isFull && !closesWhen.isReachable);
    if (isHopeless) {
      metrics.droppedCalls.call.add(1);
      metrics.callsFailed.away.add(1);
      return this.backendAway();
    }
    // What finds no place is not looked at.
    if (calls?.isFull === true) {
      calls.refuse(call);
      return this.spent(REFUSAL_MS);
    }
    if (isFull && this.canBeHeld && heldBack.keep(this, call)) return;
    if (isAdmitted(this, this.deps, call, calls?.count ?? 0)) {
      // Its payload may have been one too many.
      if (this.isClosed) return;
      this.#calls ??= new Calls(this, this.deps);
      this.#calls.push(call);
    } else this.ledNowhere();
    if (this.canBeHeld && !this.isClosed) heldBack.heard(this);
  }

  protected override refuse(fault: FrameFault): void {
    if (!refuseFrame(this, this.deps, this.#pending, fault)) this.ledNowhere();
  }

  answer(text: string, { messageId, action }: Call): void {
    if (this.dialect === "ocpp2.1" && !this.isClosed && frameKind(text) === "result") {
      const { clock, limits } = this.deps;
      this.#sentResults ??= new SentResults(clock, limits.callTimeoutMs, () => {
        this.#sentResults = null;
      });
      this.#sentResults.add(messageId, action);
    }
    this.write(text);
  }

  hasRoomForReport(): boolean {
    return this.deps.deliveries.hasRoom(this.clientId, this);
  }

  roomForReport(): void {
    this.#pending?.pump();
  }

  report(report: Report, options?: DeliverOptions): void {
    this.deps.deliveries.deliver(this, report, options);
  }

  holdReport(report: Report, options: DeliverOptions): HeldReport {
    return this.deps.deliveries.hold(this, report, options);
  }

  giveUpReport(id: string): void {
    this.deps.deliveries.giveUp(id);
  }

  get calls(): Calls | null {
    return this.#calls;
  }

  hold(): void {
    this.socket.hold?.();
  }

  goOn(): void {
    this.partDone();
    this.socket.release?.();
  }

  callsMoved(): void {
    this.deps.heldBack.moved(this);
  }

  callsDone(): void {
    this.#calls = null;
    this.partDone();
    this.deps.heldBack.moved(this);
  }

  noneOutstanding(): void {
    this.#pending = null;
    this.partDone();
  }
}
