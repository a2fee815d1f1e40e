/**
 * One client's connection: how it begins, and how it ends.
 *
 * @module
 */

import { type Identity, namesOf } from "../identity.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { QueueLimits } from "../queue/lane.ts";
import { disconnectReport } from "../report/report.ts";
import type { Socket } from "../socket/socket.ts";
import type { Sockets } from "../socket/sockets.ts";
import { ClientWork, type ClientWorkDeps } from "./client_work.ts";
import {
  BACKEND_AWAY,
  BY_OPERATOR,
  endedByClient,
  type Ending,
  OUT_OF_MEMORY,
  QUEUE_FULL,
  REPLACED,
  SHUTDOWN,
} from "./ending.ts";
import { enter, leave, type PresenceDeps, type Present } from "./presence.ts";
import type { Taps } from "./taps.ts";

export interface ConnectionLimits extends QueueLimits {
  readonly callTimeoutMs: number;
  readonly callConcurrency: number;
  readonly maxMessageBytes: number;
  /** Bytes that may wait for a client that does not read. */
  readonly maxBufferedBytes: number;
}

/**
 * What a connection needs, and what its parts do. One object for all connections, so that each holds one
 * reference.
 */
export interface ConnectionDeps extends ClientWorkDeps, PresenceDeps<Connection> {
  readonly sockets: Sockets;
  readonly isShuttingDown: () => boolean;
  readonly limits: ConnectionLimits;
  readonly metrics: Metrics;
  /** Undefined when nobody may look at frames. */
  readonly taps?: Pick<Taps, "begin"> | undefined;
  /** Whether the backend is told of each end of a connection. */
  readonly disconnectHook: boolean;
}

/**
 * Owns a connection's life. It is in the map, and counted, from `begin` to its end, which comes once.
 */
export class Connection extends ClientWork<ConnectionDeps> implements EventListenerObject, Present {
  #closesWhenIdle = false;

  /** Takes over a socket that has just opened; `begin` must follow. */
  constructor(socket: Socket, identity: Identity, deps: ConnectionDeps) {
    super(socket, identity, deps);
    // This object in place of a closure for each event, and no more events than needed: what a socket
    // keeps is kept 100,000 times.
    for (const type of ["message", "close"] as const) socket.addEventListener(type, this);
  }

  /** Enters the map and closes the connection that it replaces. */
  begin(): void {
    this.deps.taps?.begin(this);
    enter(this.deps, this);
    if (this.deps.isShuttingDown()) this.closeForShutdown();
  }

  handleEvent(event: Event): void {
    if (event.type !== "message") return this.#socketClosed(event as CloseEvent);
    const frame = this.read((event as MessageEvent).data);
    if (frame !== null) this.receive(frame);
  }

  #socketClosed(event: CloseEvent): void {
    // The runtime reports the end of a silent client twice.
    this.socket.removeEventListener("close", this);
    this.deps.sockets.leave(this.socket);
    if (!this.isClosed) this.#end(endedByClient(event));
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
    if (this.#closesWhenIdle && !this.isClosed && this.isIdle) this.closeForShutdown();
  }

  /** The one place where a connection's life ends. */
  #end(ending: Ending): void {
    this.shut();
    this.tap?.end(this, ending, this.deps.clock.wallNow());
    leave(this.deps, this, ending);
    this.endWork(ending);
    if (this.deps.disconnectHook) this.report(disconnectReport(ending.code, ending.reason));
  }

  queueFull(): void {
    this.deps.log.warn("closed for a queue that is full", namesOf(this));
    this.close(QUEUE_FULL);
  }

  backendAway(): void {
    this.close(this.deps.isShuttingDown() ? SHUTDOWN : BACKEND_AWAY);
  }

  protected override partDone(): void {
    this.#closeIfDone();
  }

  protected override allSent(): void {
    this.#closeIfDone();
  }
}
