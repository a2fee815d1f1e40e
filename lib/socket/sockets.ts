/**
 * The sockets that a gateway holds: open ones, and those on their way in or out.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import { Cell } from "../metrics/tally.ts";
import type { SocketMaker } from "./socket.ts";

/** The part of a WebSocket that is needed to end it. */
export interface Closable {
  close(code: number, reason: string): void;
  /** Bytes that have not left; absent where nothing was ever sent. */
  readonly bufferedAmount?: number;
}

/** How long a client may take to answer a close frame. */
const CLOSE_GRACE_MS = 5000;
/** The same for one that has used up more than its share: the close frame gets out, and that is all. */
const SHORT_GRACE_MS = 250;
/** How long an upgrade may take once its response is on the way. */
const OPEN_MS = 10_000;

/**
 * Counts sockets, and sees to it that each one opens in time, and ends after it was closed.
 *
 * Each is counted once from `enter` or `enterOpening` to its `leave`, and has at most one timer: until
 * it is open, or from its close on.
 */
export class Sockets {
  readonly #maker: Pick<SocketMaker, "cut" | "opened" | "closed">;
  readonly #clock: Clock;
  readonly #opening = new Map<object, Timer>();
  readonly #closing = new Map<object, Timer>();
  readonly #count: Cell;

  /**
   * @param maker What made them, and ends them.
   * @param count Where they are counted.
   */
  constructor(
    maker: Pick<SocketMaker, "cut" | "opened" | "closed">,
    clock: Clock,
    count: Cell = new Cell(),
  ) {
    this.#maker = maker;
    this.#clock = clock;
    this.#count = count;
  }

  /** Sockets held, those that open or close included, and upgrades that wait for the backend. */
  get count(): number {
    return this.#count.own;
  }

  /** The same, over all threads of the process. */
  get total(): number {
    return this.#count.sum;
  }

  /** An upgrade waits for the backend; `leave` must follow. */
  enter(): void {
    this.#count.add(1);
  }

  /**
   * A socket's upgrade is on the way.
   *
   * @param onNever Called when it does not open in time: of a client that goes in this very moment
   *   the runtime tells neither its open nor its close. It has left then, and must be cut if it
   *   opens all the same (this process may have been held up for so long).
   */
  enterOpening(socket: object, onNever: () => void): void {
    this.#count.add(1);
    const timer = this.#clock.setTimeout(() => {
      this.leave(socket);
      onNever();
    }, OPEN_MS);
    this.#opening.set(socket, timer);
  }

  /** Its open event comes just now. */
  opened(socket: object): void {
    this.#clearTimer(this.#opening, socket);
    queueMicrotask(() => this.#maker.opened(socket));
  }

  /** One has ended: its close event came, or its upgrade was refused. */
  leave(socket?: object): void {
    this.#count.add(-1);
    if (socket === undefined) return;
    this.#clearTimer(this.#opening, socket);
    this.#clearTimer(this.#closing, socket);
    this.#maker.closed(socket);
  }

  #clearTimer(timers: Map<object, Timer>, socket: object): void {
    const timer = timers.get(socket);
    if (timer === undefined) return;
    this.#clock.clearTimeout(timer);
    timers.delete(socket);
  }

  /**
   * Closes a socket, and cuts it when the client does not answer in time: one that does not read
   * would otherwise keep what is buffered for it.
   *
   * @param isCutSoon Whether that time is short.
   */
  close(socket: Closable, code: number, reason: string, isCutSoon = false): void {
    try {
      socket.close(code, reason);
    } catch {
      // It is closed already.
    }
    this.#cutLater(socket, isCutSoon ? SHORT_GRACE_MS : CLOSE_GRACE_MS);
  }

  #cutLater(socket: Closable, graceMs: number): void {
    const timer = this.#clock.setTimeout(() => {
      // While a write is blocked the runtime keeps the connection, cut or not, until the client goes.
      // It stays counted, and its close event is waited for.
      if ((socket.bufferedAmount ?? 0) > 0) this.#cutLater(socket, graceMs);
      else this.cut(socket);
    }, graceMs);
    this.#closing.set(socket, timer);
  }

  /** Cuts a socket at once, without a close frame; its close event follows. */
  cut(socket: object): void {
    this.#maker.cut(socket);
  }

  /** Cuts all that were closed and have not ended. */
  cutClosing(): void {
    for (const socket of this.#closing.keys()) this.cut(socket);
  }
}
