/**
 * One client's connection: its life, and what is under way on it.
 *
 * @module
 */

import type { Call } from "../codec/frame.ts";
import { callText, frameKind } from "../codec/frame_text.ts";
import { type Identity, namesOf } from "../identity.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { QueueLimits } from "../queue/lane.ts";
import { disconnectReport, type Report } from "../report/report.ts";
import { type Reporter, Reports, type ReportsDeps } from "../report/reports.ts";
import type { Socket } from "../socket/socket.ts";
import type { Sockets } from "../socket/sockets.ts";
import { type Caller, Calls, type CallsDeps } from "./calls.ts";
import { ClientSocket, type ClientSocketDeps } from "./client_socket.ts";
import {
  BY_OPERATOR,
  endedByClient,
  type Ending,
  OUT_OF_MEMORY,
  QUEUE_FULL,
  REPLACED,
  SHUTDOWN,
} from "./ending.ts";
import { type IncomingDeps, isAdmitted, reportOf, settleCall } from "./incoming.ts";
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
import { enter, leave, type PresenceDeps, type Present } from "./presence.ts";
import { SentResults } from "./sent_results.ts";

/** What a connection is about. */
export interface ConnectionState {
  /** When the last frame came or went, to the second; milliseconds since 1970. */
  readonly lastActivityAt: number;
  readonly framesIn: number;
  readonly framesOut: number;
  /** Messages that wait for the backend or for their turn to go to the client. */
  readonly waiting: number;
  /** CALLs that the client has not answered. */
  readonly outstanding: number;
}

export interface ConnectionLimits extends QueueLimits {
  readonly callTimeoutMs: number;
  readonly callConcurrency: number;
  readonly maxMessageBytes: number;
  /** Bytes that may wait for a client that does not read. */
  readonly maxBufferedBytes: number;
}

/**
 * What a connection needs, and what its parts do: each of them sees its own share. One object for all
 * connections, so that each holds one reference.
 */
export interface ConnectionDeps
  extends
    CallsDeps,
    ClientSocketDeps,
    IncomingDeps,
    OutgoingDeps,
    PresenceDeps<Connection>,
    ReportsDeps {
  readonly sockets: Sockets;
  readonly isShuttingDown: () => boolean;
  readonly limits: ConnectionLimits;
  readonly metrics: Metrics;
  /** Whether the backend is told of each end of a connection. */
  readonly disconnectHook: boolean;
}

/**
 * Owns what is under way for one client: its CALLs, the CALLs to it, what the backend is told of it,
 * and the CALLRESULTs that it may refuse.
 *
 * - It is in the map, and counted, from `begin` to its end, which comes once.
 * - CALLs of the client go to the backend in one lane, the outcomes of CALLs to it in another, so that
 *   a backend that waits for an outcome while it handles a CALL is not stuck.
 * - Each part exists only while it holds something: an idle connection is this object and its socket.
 *   The lanes live on after the socket until they are empty.
 */
export class Connection extends ClientSocket<ConnectionDeps>
  implements EventListenerObject, Caller, Callee, Reporter, Present {
  #calls: Calls | null = null;
  #reports: Reports | null = null;
  #pending: Pending | null = null;
  #sentResults: SentResults | null = null;
  #closesWhenIdle = false;

  /** Takes over a socket that has just opened; `begin` must follow. */
  constructor(socket: Socket, identity: Identity, deps: ConnectionDeps) {
    super(socket, identity, deps);
    // This object in place of a closure for each event, and no more events than needed: what a socket
    // keeps is kept 100,000 times.
    for (const type of ["message", "close"]) socket.addEventListener(type, this);
  }

  /** Enters the map and closes the connection that it replaces. */
  begin(): void {
    enter(this.deps, this);
    if (this.deps.isShuttingDown()) this.closeForShutdown();
  }

  handleEvent(event: Event): void {
    if (event.type === "message") this.#receive((event as MessageEvent).data);
    else this.#socketClosed(event as CloseEvent);
  }

  #socketClosed(event: CloseEvent): void {
    // The runtime reports the end of a silent client twice.
    this.socket.removeEventListener("close", this);
    this.deps.sockets.leave(this.socket);
    if (!this.isClosed) this.#end(endedByClient(event));
  }

  /** What it is about at this moment. */
  get state(): ConnectionState {
    return {
      lastActivityAt: this.lastActivityAt,
      framesIn: this.framesIn,
      framesOut: this.framesOut,
      waiting: (this.#calls?.count ?? 0) + (this.#reports?.count ?? 0) +
        (this.#pending?.waiting ?? 0),
      outstanding: this.#pending?.outstanding ?? 0,
    };
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

  /**
   * Sends a CALL whose outcome the backend gets as `/result` or `/error`.
   *
   * @param call What to send.
   * @param errand Asked, when the CALL ends, whether its outcome is reported here, and told when it was.
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

  /** Closes with 1008: the client has a newer connection. */
  closeReplaced(): void {
    this.close(REPLACED);
  }

  /** Closes with 1000 on the operator's wish. */
  closeByOperator(): void {
    this.close(BY_OPERATOR);
  }

  /** Closes with 1001 as soon as nothing of this client is under way. */
  closeWhenIdle(): void {
    this.#closesWhenIdle = true;
    this.#closeIfDone();
  }

  /** Closes with 1001, whatever is under way. */
  closeForShutdown(): void {
    this.close(SHUTDOWN);
  }

  /** Cuts the socket, now and without a word: memory is needed. */
  cut(): void {
    if (this.isClosed) return;
    this.#end(OUT_OF_MEMORY);
    this.deps.sockets.cut(this.socket);
  }

  /** CALLs that the client has not answered end; what it sent before still goes to the backend. */
  protected override close(ending: Ending): void {
    if (this.isClosed) return;
    this.#end(ending);
    this.deps.sockets.close(this.socket, ending.code, ending.reason, ending.isCutSoon);
  }

  #closeIfDone(): void {
    if (!this.#closesWhenIdle || this.isClosed || this.hasUnsent) return;
    const isBusy = this.#calls ?? this.#reports ?? this.#pending;
    if (isBusy === null) this.closeForShutdown();
  }

  /** The one place where a connection's life ends. */
  #end(ending: Ending): void {
    this.shut();
    leave(this.deps, this, ending);
    this.#calls?.dropUnderPressure();
    this.#sentResults?.clear();
    const pending = this.#pending;
    this.#pending = null;
    pending?.endAll(ending.description);
    if (this.deps.disconnectHook) this.report(disconnectReport(ending.code, ending.reason));
  }

  #receive(data: unknown): void {
    const frame = this.read(data);
    if (frame === null) return;
    switch (frame.kind) {
      case "call":
      case "send":
        if (!isAdmitted(this, this.deps, this.#calls, frame)) return this.ledNowhere();
        // Its payload may have been one too many.
        if (this.isClosed) return;
        this.#calls ??= new Calls(this, this.deps);
        return this.#calls.push(frame);
      case "result":
      case "error":
        return settleCall(this, this.deps, this.#pending, frame) ? undefined : this.ledNowhere();
      case "resulterror": {
        const report = reportOf(this, this.deps, this.#sentResults, frame);
        if (report === null) return this.ledNowhere();
        return this.hasRoomForReport() ? this.report(report) : this.queueFull();
      }
    }
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

  queueFull(): void {
    this.deps.log.warn("queue full", namesOf(this));
    this.close(QUEUE_FULL);
  }

  hasRoomForReport(): boolean {
    return this.#reports?.hasRoom ?? true;
  }

  report(report: Report, ended?: () => void): void {
    this.#reports ??= new Reports(this, this.deps);
    this.#reports.push(report, ended);
  }

  callsDone(): void {
    this.#calls = null;
    this.#closeIfDone();
  }

  reportDone(): void {
    this.#pending?.pump();
  }

  reportsDone(): void {
    this.#reports = null;
    this.#closeIfDone();
  }

  noneOutstanding(): void {
    this.#pending = null;
    this.#closeIfDone();
  }

  protected override allSent(): void {
    this.#closeIfDone();
  }
}
