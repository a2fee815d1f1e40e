/**
 * Clients that are not read from for a while, since what they send finds no room.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import type { Call } from "../codec/frame.ts";
import { type Identity, namesOf } from "../identity.ts";
import type { Log } from "../log/log.ts";
import type { Cell } from "../metrics/tally.ts";
import type { Backlog } from "../queue/backlog.ts";
import type { Calls } from "./calls.ts";
import { MAX_UNDER_PRESSURE } from "./incoming.ts";

/** A client whose socket can be held. */
export interface Sender extends Identity {
  /** Whether its end has come. */
  readonly isClosed: boolean;
  /** What it sent and waits or is under way; null for nothing. */
  readonly calls: Pick<Calls, "count" | "isFull" | "hasRoom"> | null;
  /** Reads nothing more of it. */
  hold(): void;
  /** A CALL or SEND that was kept for it has its turn. */
  take(call: Call): void;
  /** Reads again; what it sent meanwhile may come before this returns. */
  goOn(): void;
}

export interface HeldBackDeps {
  readonly backlog: Pick<Backlog, "isFull" | "isPressed" | "hasRoom">;
  /** What the payloads of the messages that are kept may come to, in UTF-16 code units. */
  readonly maxKeptChars: number;
  readonly isShuttingDown: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** Counts those that are held. */
  readonly held: Cell;
}

/** So many go on in one turn of the event loop: each may send a queue full. */
const IN_A_TURN = 16;
/** So often it is looked whether other threads have made room. */
const LOOK_MS = 50;

/**
 * Owns who is held back, of all clients of one thread, and lets them go on.
 *
 * - A client is held when its own queue is full, or when it has its share while much waits; it gets its
 *   turn when half of that is free again, so that it is not held and let go for each message.
 * - Then it waits until there is room among all clients, and so does who was held for want of that alone.
 *   The oldest goes on first, a few in each turn of the event loop, until there is no room again.
 * - Of such a client the message that found no room is kept here, one for each: it has been read. It goes
 *   with its client, like what has not been read.
 * - While the gateway shuts down, a client is held until nothing of it is left: what it has not sent is
 *   not begun any more.
 *
 * Each one that is held goes on or ends (`forget`): its own CALLs end, and so do those of all others.
 */
export class HeldBack {
  readonly #deps: HeldBackDeps;
  /** Those whose own queue is full. What they have in it will tell of itself. */
  readonly #full = new Set<Sender>();
  /** Those that wait for their turn to go on, and the message that is kept of each. */
  readonly #turns = new Map<Sender, Call | null>();
  #keptChars = 0;
  #isDue = false;
  #timer: Timer | null = null;

  constructor(deps: HeldBackDeps) {
    this.#deps = deps;
  }

  /** A CALL or SEND of this client has come: its next one may find no room. */
  heard(client: Sender): void {
    const { backlog } = this.#deps;
    const { calls } = client;
    const isFull = calls !== null &&
      (calls.isFull || (calls.count >= MAX_UNDER_PRESSURE && backlog.isPressed));
    if ((!isFull && !backlog.isFull) || this.isHeld(client)) return;
    this.#hold(client);
    if (isFull) this.#full.add(client);
    else this.#awaitsTurn(client, null);
  }

  /**
   * A CALL or SEND has come while there is no room among all clients: it waits for its turn here.
   *
   * @returns False when it cannot.
   */
  keep(client: Sender, call: Call): boolean {
    if (this.#keptChars >= this.#deps.maxKeptChars || this.isHeld(client)) return false;
    this.#hold(client);
    this.#keptChars += call.payload.length;
    this.#awaitsTurn(client, call);
    return true;
  }

  /** Whether a message of this client is kept. */
  keepsOf(client: Sender): boolean {
    return (this.#turns.get(client) ?? null) !== null;
  }

  /** Whether this client is not read from. */
  isHeld(client: Sender): boolean {
    return this.#full.has(client) || this.#turns.has(client);
  }

  #hold(client: Sender): void {
    const { log, held } = this.#deps;
    held.add(1);
    if (log.isDebug) {
      log.debug("client held back", { ...namesOf(client), waiting: client.calls?.count ?? 0 });
    }
    client.hold();
  }

  /** One of this client's CALLs or SENDs has its turn, or none is left: there may be room. */
  moved(client: Sender): void {
    if (this.#full.size === 0 && this.#turns.size === 0) return;
    if (this.#full.has(client) && this.#hasRoom(client)) {
      this.#full.delete(client);
      this.#awaitsTurn(client, null);
    }
    if (this.#turns.size > 0 && this.#deps.backlog.hasRoom) this.#soon();
  }

  /** This client is no more. */
  forget(client: Sender): void {
    if (!this.isHeld(client)) return;
    this.#drop(client);
    this.#look();
  }

  /** @returns The message that was kept. */
  #drop(client: Sender): Call | null {
    const call = this.#turns.get(client) ?? null;
    if (call !== null) this.#keptChars -= call.payload.length;
    this.#turns.delete(client);
    this.#full.delete(client);
    this.#deps.held.add(-1);
    return call;
  }

  #hasRoom({ calls }: Sender): boolean {
    if (calls === null) return true;
    const { backlog, isShuttingDown } = this.#deps;
    return calls.hasRoom && !isShuttingDown() &&
      (calls.count * 2 <= MAX_UNDER_PRESSURE || !backlog.isPressed);
  }

  #awaitsTurn(client: Sender, call: Call | null): void {
    this.#turns.set(client, call);
    this.#look();
  }

  /** Looks again while somebody waits for a turn, and has no timer otherwise. */
  #look(): void {
    const { clock } = this.#deps;
    if (this.#turns.size > 0) {
      this.#timer ??= clock.setTimeout(() => {
        this.#timer = null;
        this.#letGo();
      }, LOOK_MS);
    } else if (this.#timer !== null) {
      clock.clearTimeout(this.#timer);
      this.#timer = null;
    }
  }

  // In a turn of its own: what a client sent meanwhile would come in the middle of something else.
  #soon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#deps.clock.setImmediate(() => {
      this.#isDue = false;
      this.#letGo();
    });
  }

  #letGo(): void {
    const { backlog } = this.#deps;
    let left = IN_A_TURN;
    try {
      for (const client of this.#turns.keys()) {
        if (left-- === 0 || !backlog.hasRoom) break;
        this.#goOn(client);
      }
    } finally {
      this.#look();
      if (this.#turns.size > 0 && backlog.hasRoom) this.#soon();
    }
  }

  #goOn(client: Sender): void {
    const { log, isShuttingDown } = this.#deps;
    const call = this.#drop(client);
    if (call !== null) client.take(call);
    // That may have filled the queue, or ended the client.
    if (this.isHeld(client) || client.isClosed) return;
    if (isShuttingDown() && client.calls !== null) {
      this.#hold(client);
      this.#full.add(client);
      return;
    }
    if (log.isDebug) log.debug("client goes on", namesOf(client));
    client.goOn();
  }
}
