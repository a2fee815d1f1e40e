/**
 * One client's connection: order, sending, closing.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { type Call, readFrame } from "../codec/frame.ts";
import { callText, frameKind } from "../codec/frame_text.ts";
import { type Dialect, dialectOf } from "../codec/subprotocol.ts";
import type { TraceContext } from "../codec/trace_context.ts";
import type { Forwarder } from "../forwarder/forwarder.ts";
import type { Identity } from "../identity.ts";
import type { Log } from "../log/log.ts";
import { type CloseReason, type Metrics, NO_PROTOCOL } from "../metrics/metrics.ts";
import type { CallSpan, Tracing } from "../trace/tracing.ts";
import type { Inspect } from "../validate/inspector.ts";
import type { Backlog } from "../queue/backlog.ts";
import { type Caller, Calls } from "./calls.ts";
import { clearIdleTimer, forgetRequest } from "../socket/forget_request.ts";
import {
  isAdmitted,
  isLongerThan,
  namesOf,
  type Receiver,
  refuseFrame,
  reportOf,
  settleCall,
} from "./incoming.ts";
import type { ConnectionMap } from "./map.ts";
import { Outbox } from "../socket/unsent.ts";
import { type CallOutcome, type OutgoingCall, Pending } from "./pending.ts";
import { disconnectReport, outcomeReport, type Report } from "../report/report.ts";
import { type Reporter, Reports } from "../report/reports.ts";
import { SentResults } from "./sent_results.ts";
import type { Sockets } from "../socket/sockets.ts";
import { endByOutcome } from "./span.ts";
import type { Tap, Tapped } from "./tap.ts";

/** The part of a WebSocket that a connection uses. */
export interface Socket extends EventTarget {
  send(text: string): void;
  close(code: number, reason: string): void;
  /** Bytes that the client has not taken yet. */
  readonly bufferedAmount: number;
}

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

export interface ConnectionLimits {
  readonly callTimeoutMs: number;
  readonly callConcurrency: number;
  /** Messages that may wait, for each direction. */
  readonly maxQueue: number;
  /** What their payloads may come to, in UTF-16 code units. */
  readonly maxQueueChars: number;
  readonly maxMessageBytes: number;
  /** Bytes that may wait for a client that does not read. */
  readonly maxBufferedBytes: number;
}

/** A CALL that was accepted for somebody else. */
export interface Errand {
  /** Asked when it ends: whether its outcome is still this instance's to report. */
  isOurs(): boolean;
  /** Its outcome has been reported. */
  ended(): void;
}

/** The trace of a CALL that was accepted. */
export interface TracedBy {
  /** For its report. */
  readonly trace: TraceContext | undefined;
  /** Ended with the CALL; undefined when nothing is traced. */
  readonly span: CallSpan | undefined;
}

/** What all connections of a gateway share. */
export interface Shared {
  readonly sockets: Sockets;
  /** Told of each client that comes and goes. */
  readonly bus: { attach(client: Identity): void; detach(client: Identity): void };
  readonly isShuttingDown: () => boolean;
  readonly connections: ConnectionMap<Connection>;
  readonly forwarder: Forwarder;
  readonly backlog: Backlog;
  readonly limits: ConnectionLimits;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Checks payloads against their schemas; undefined when nothing is checked. */
  readonly inspect?: Inspect | undefined;
  /** The backend time-out in words, for descriptions. */
  readonly backendTimeoutText: string;
  readonly callTimeoutText: string;
  /** Whether the backend is told of each end of a connection. */
  readonly disconnectHook: boolean;
  /** Undefined when nothing is traced. */
  readonly tracing?: Tracing | undefined;
}

/** RFC 6455 §7.4.1 */
const NORMAL = 1000;
const GOING_AWAY = 1001;
const UNSUPPORTED_DATA = 1003;
const ABNORMAL = 1006;
const POLICY = 1008;
const TOO_BIG = 1009;

/** Messages may be under way when a client is closed, but not this many. */
const MAX_SENT_AFTER_CLOSE = 1000;

/**
 * Owns one socket, the order of what comes from it, and the CALLs to it.
 *
 * CALLs of the client go to the backend in one lane, the outcomes of CALLs to it in another, so that
 * a backend that waits for an outcome while it handles a CALL is not stuck. Both lanes and the
 * pending CALLs exist only while they hold something: an idle connection is this object and its
 * socket. The lanes live on after the socket until they are empty.
 */
export class Connection implements EventListenerObject, Receiver, Caller, Reporter, Tapped {
  readonly clientId: string;
  readonly connectionId: string;
  readonly protocol: string | null;
  readonly remoteAddress: string;
  readonly connectedAt: number;
  framesIn = 0;
  framesOut = 0;
  tap: Tap | null = null;
  /** Seconds after `connectedAt`: a small number needs no memory of its own. */
  #activeAfterSeconds = 0;
  readonly #socket: Socket;
  readonly #shared: Shared;
  #calls: Calls | null = null;
  #reports: Reports | null = null;
  #pending: Pending | null = null;
  #sentResults: SentResults | null = null;
  #outbox: Outbox | null = null;
  #isOpen = false;
  #isClosed = false;
  #hasSpoken = false;
  #closesWhenIdle = false;
  #sentAfterClose = 0;

  /** Takes over a socket that is not open yet, and begins when it is. */
  constructor(socket: Socket, identity: Identity, shared: Shared) {
    this.clientId = identity.clientId;
    this.connectionId = identity.connectionId;
    this.protocol = identity.protocol;
    this.remoteAddress = identity.remoteAddress;
    this.connectedAt = identity.connectedAt;
    this.#socket = socket;
    this.#shared = shared;
    shared.sockets.enterOpening(socket, () => this.#neverOpened());
    // This object in place of a closure for each event, and no more events than needed: what a socket
    // keeps is kept 100,000 times.
    for (const type of ["open", "error", "message", "close"]) socket.addEventListener(type, this);
  }

  handleEvent(event: Event): void {
    switch (event.type) {
      case "open":
        this.#open();
        break;
      case "message":
        if (this.#isClosed) this.#receiveClosed();
        else this.#receive((event as MessageEvent).data);
        break;
      case "error":
        // The client went before its upgrade was done: no close event follows.
        this.#shared.sockets.leave(this.#socket);
        this.#neverOpened();
        break;
      case "close": {
        const { wasClean, code, reason } = event as CloseEvent;
        this.#socketClosed(wasClean, code, reason);
        break;
      }
    }
  }

  /** Enters the map and closes the connection that it replaces. */
  #open(): void {
    this.#socket.removeEventListener("open", this);
    // Too late: it was given up, and its client has to connect again.
    if (this.#isClosed) return this.#shared.sockets.cut(this.#socket);
    // From here on a close event comes after each error.
    this.#socket.removeEventListener("error", this);
    this.#shared.sockets.opened(this.#socket);
    this.#isOpen = true;
    const { connections, metrics, log } = this.#shared;
    metrics.opened.add(1);
    metrics.connections[this.protocol ?? NO_PROTOCOL]?.add(1);
    const { protocol, remoteAddress } = this;
    log.info("client connected", { ...namesOf(this), protocol, remoteAddress });
    const other = connections.get(this.clientId);
    // Its upgrade came later, but the backend let it in sooner.
    const isOlder = other !== undefined && other.connectionId > this.connectionId;
    if (!isOlder) connections.put(this.clientId, this);
    const replaced = isOlder ? this : other;
    replaced?.closeReplaced();
    if (!isOlder) this.#shared.bus.attach(this);
    queueMicrotask(() => forgetRequest(this.#socket));
    if (this.#shared.isShuttingDown()) this.closeForShutdown();
  }

  #neverOpened(): void {
    for (const type of ["error", "close"]) this.#socket.removeEventListener(type, this);
    this.#end(ABNORMAL, "", "the client disconnected", "lost");
  }

  #socketClosed(wasClean: boolean, code: number, reason: string): void {
    // The runtime reports the end of a silent client twice.
    this.#socket.removeEventListener("close", this);
    clearIdleTimer(this.#socket);
    this.#shared.sockets.leave(this.#socket);
    if (this.#isClosed) return;
    const description = "the client disconnected";
    if (wasClean) this.#end(code, reason, description, "client");
    else this.#end(ABNORMAL, reason, description, "lost");
  }

  /** What it is about at this moment. */
  get state(): ConnectionState {
    return {
      lastActivityAt: this.connectedAt + 1000 * this.#activeAfterSeconds,
      framesIn: this.framesIn,
      framesOut: this.framesOut,
      waiting: (this.#calls?.count ?? 0) + (this.#reports?.count ?? 0) +
        (this.#pending?.waiting ?? 0),
      outstanding: this.#pending?.outstanding ?? 0,
    };
  }

  /** Whether it ever sent a valid frame. */
  get hasSpoken(): boolean {
    return this.#hasSpoken;
  }

  /**
   * Sends a CALL to the client, or puts it into the queue for it.
   *
   * @param call Its `onOutcome` is called exactly once, unless `abandon` comes first.
   */
  call(call: OutgoingCall): "accepted" | "duplicate" | "full" | "gone" {
    if (this.#isClosed) return "gone";
    const { limits, clock, metrics, log } = this.#shared;
    this.#pending ??= new Pending({
      concurrency: limits.callConcurrency,
      maxQueue: limits.maxQueue,
      maxQueueChars: limits.maxQueueChars,
      timeoutMs: limits.callTimeoutMs,
      clock,
      onTimeout: (late) => {
        const { callTimeoutMs: durationMs } = limits;
        const { action, messageId } = late;
        log.warn("no answer from the client", { ...namesOf(this), action, messageId, durationMs });
      },
      outstandingCount: metrics.outstanding,
      queuedCount: metrics.queuedCalls,
      send: (next) => this.write(callText("call", next.messageId, next.action, next.payload)),
      hasRoom: () => this.#hasRoomForReport(),
      onEmpty: () => {
        this.#pending = null;
        this.#closeIfDone();
      },
    });
    return this.#pending.submit(call);
  }

  /**
   * Sends a CALL whose outcome the backend gets as `/result` or `/error`.
   *
   * @param call What to send.
   * @param errand Asked, when the CALL ends, whether its outcome is reported here, and told when it was.
   */
  callForBackend(
    call: Omit<OutgoingCall, "onOutcome"> & TracedBy,
    errand: Errand,
  ): "accepted" | "duplicate" | "full" | "gone" {
    const { messageId, action, payload } = call;
    const { clock, metrics } = this.#shared;
    const since = clock.now();
    const onOutcome = (outcome: CallOutcome): void => {
      metrics.apiCallSeconds.observe((clock.now() - since) / 1000);
      if (call.span !== undefined) endByOutcome(call.span, outcome);
      if (!errand.isOurs()) return;
      const report = outcomeReport(call, outcome, this.dialect, this.#shared.callTimeoutText);
      this.#report(report, () => errand.ended());
    };
    return this.call({ messageId, action, payload, onOutcome });
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
    if (this.#isClosed) return false;
    this.write(callText("send", messageId, action, payload));
    return true;
  }

  /**
   * Closes the socket, now. CALLs that the client has not answered end; what it sent before still
   * goes to the backend.
   *
   * @param code The WebSocket close code.
   * @param reason The close frame's reason, at most 123 bytes.
   * @param description Why CALLs to this client end, for the backend.
   * @param cause What it is counted as.
   */
  close(code: number, reason: string, description: string, cause: CloseReason): void {
    if (this.#isClosed) return;
    this.#end(code, reason, description, cause);
    this.#shared.sockets.close(this.#socket, code, reason);
  }

  /** Cuts the socket, now and without a word: memory is needed. */
  cut(): void {
    if (this.#isClosed) return;
    const description = "the client was disconnected: the gateway needs memory";
    this.#end(ABNORMAL, "out of memory", description, "memory");
    this.#shared.sockets.cut(this.#socket);
  }

  /** Closes with 1008: the client has a newer connection. */
  closeReplaced(): void {
    this.close(POLICY, "replaced", "the client was replaced by a newer connection", "replaced");
  }

  /** Closes with 1000 on the operator's wish. */
  closeByOperator(): void {
    const description = "the client was disconnected by the operator";
    this.close(NORMAL, "closed by the operator", description, "operator");
  }

  /** Closes with 1001 as soon as nothing of this client is under way. */
  closeWhenIdle(): void {
    this.#closesWhenIdle = true;
    this.#closeIfDone();
  }

  /** Closes with 1001, whatever is under way. */
  closeForShutdown(): void {
    this.close(GOING_AWAY, "shutting down", "the gateway is shutting down", "shutdown");
  }

  #closeIfDone(): void {
    if (!this.#closesWhenIdle || this.#isClosed) return;
    const isBusy = this.#calls ?? this.#reports ?? this.#pending ?? this.#outbox;
    if (isBusy === null) this.closeForShutdown();
  }

  /** The one place where a connection's life ends. */
  #end(code: number, reason: string, description: string, cause: CloseReason): void {
    this.#isClosed = true;
    const { connections, metrics, log } = this.#shared;
    if (this.#isOpen) {
      connections.remove(this.clientId, this);
      this.#shared.bus.detach(this);
      metrics.closed[cause].add(1);
      metrics.connections[this.protocol ?? NO_PROTOCOL]?.add(-1);
      log.info("client disconnected", { ...namesOf(this), cause, closeCode: code, reason });
    }
    this.#outbox?.drop();
    this.#outbox = null;
    this.#calls?.dropUnderPressure();
    this.#sentResults?.clear();
    const pending = this.#pending;
    this.#pending = null;
    pending?.endAll(description);
    if (this.#shared.disconnectHook) this.#report(disconnectReport(code, reason));
  }

  /** A client that goes on sending after it was closed costs work for nothing: it is cut. */
  #receiveClosed(): void {
    if (++this.#sentAfterClose === MAX_SENT_AFTER_CLOSE) this.#shared.sockets.cut(this.#socket);
  }

  #receive(data: unknown): void {
    const { limits, metrics, log } = this.#shared;
    if (typeof data !== "string") {
      const description = "the client sent a binary message";
      return this.close(UNSUPPORTED_DATA, "text only", description, "binary");
    }
    if (isLongerThan(data, limits.maxMessageBytes)) {
      const description = "the client sent a message that is too large";
      return this.close(TOO_BIG, "message too large", description, "too_large");
    }
    if (data === "") return;
    this.framesIn++;
    this.#passed("in", data);
    if (log.isDebug) log.debug("frame in", { ...namesOf(this), frame: data.slice(0, 1000) });
    const read = readFrame(data, this.dialect);
    if (!read.ok) return refuseFrame(this, this.#shared, read.fault);
    this.#hasSpoken = true;
    const { frame } = read;
    metrics.frames.in[frame.kind].add(1);
    switch (frame.kind) {
      case "call":
      case "send":
        if (!isAdmitted(this, this.#shared, this.#calls, frame)) return;
        this.#calls ??= new Calls(this, this.#shared);
        return this.#calls.push(frame);
      case "result":
      case "error":
        return settleCall(this, this.#shared, this.#pending, frame);
      case "resulterror": {
        const report = reportOf(this, this.#shared, this.#sentResults, frame);
        if (report === null) return;
        return this.#hasRoomForReport() ? this.#report(report) : this.queueFull();
      }
    }
  }

  #hasRoomForReport(): boolean {
    return this.#reports?.hasRoom ?? true;
  }

  #report(report: Report, ended?: () => void): void {
    this.#reports ??= new Reports(this, this.#shared);
    this.#reports.push(report, ended);
  }

  write(text: string): void {
    const { log, limits, clock, metrics } = this.#shared;
    if (this.#isClosed) return;
    metrics.frames.out[frameKind(text)].add(1);
    this.framesOut++;
    this.#passed("out", text);
    if (log.isDebug) log.debug("frame out", { ...namesOf(this), frame: text.slice(0, 1000) });
    try {
      if (this.#outbox === null) {
        if (!Outbox.isNeeded(this.#socket)) return this.#socket.send(text);
        this.#outbox = new Outbox(this.#socket, clock, () => {
          this.#outbox = null;
          this.#closeIfDone();
        });
      }
    } catch {
      // The socket broke and its close event is on the way; the frame has nowhere to go.
      return;
    }
    if (this.#outbox.waiting <= limits.maxBufferedBytes) return this.#outbox.push(text);
    log.warn("client does not read", namesOf(this));
    const description = "the client does not read what is sent to it";
    this.close(POLICY, "not reading", description, "not_reading");
  }

  #passed(direction: "in" | "out", text: string): void {
    this.#activeAfterSeconds = Math.trunc((Date.now() - this.connectedAt) / 1000);
    this.tap?.note(this.framesIn + this.framesOut, direction, text);
  }

  get dialect(): Dialect {
    return dialectOf(this.protocol);
  }

  answer(text: string, { messageId, action }: Call): void {
    if (this.dialect === "ocpp2.1" && !this.#isClosed && frameKind(text) === "result") {
      const { clock, limits } = this.#shared;
      this.#sentResults ??= new SentResults(clock, limits.callTimeoutMs, () => {
        this.#sentResults = null;
      });
      this.#sentResults.add(messageId, action);
    }
    this.write(text);
  }

  queueFull(): void {
    this.#shared.log.warn("queue full", namesOf(this));
    const description = "the client sent more than its queue holds";
    this.close(POLICY, "queue full", description, "queue_full");
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
}
