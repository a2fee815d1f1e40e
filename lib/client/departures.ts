/**
 * Who went lately, and why, of all threads of this process.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Identity } from "../identity.ts";
import { type Cursor, cutTo, Recent, recentBuffer } from "../log/recent.ts";
import type { CloseReason } from "../metrics/labels.ts";
import type { Ending } from "./ending.ts";

/** The end of a connection. */
export interface Departure extends Identity {
  /** When it ended, in milliseconds since 1970. */
  readonly at: number;
  /** In one of the words of the metric's `reason` label. */
  readonly cause: CloseReason;
  /** The close code (RFC 6455 §7.4.1). */
  readonly code: number;
  /** The close frame's reason, the client's or the gateway's. */
  readonly reason: string;
}

/** Kept of each thread, and told of all together. */
const DEPARTURES = 200;
/** Names are cut to so many UTF-16 code units where the place of one is too small, and to less then. */
const LONGEST_NAME = 300;

/** The memory for this many threads; to be handed to each. */
export function departuresBuffer(threads: number): SharedArrayBuffer {
  return recentBuffer(DEPARTURES, threads);
}

/** The last departures of one thread, among those of the others. */
export class Departures {
  /** To be handed to other threads. */
  readonly buffer: SharedArrayBuffer;
  readonly #clock: Pick<Clock, "wallNow">;
  readonly #recent: Recent<Departure>;

  /**
   * Without `buffer`: of a thread that is alone.
   *
   * @param buffer From `departuresBuffer`.
   * @param row This thread's, from 0; nobody else may write to it.
   */
  constructor(
    clock: Pick<Clock, "wallNow">,
    buffer: SharedArrayBuffer = departuresBuffer(1),
    row = 0,
  ) {
    this.#clock = clock;
    this.buffer = buffer;
    this.#recent = new Recent(DEPARTURES, buffer, row);
  }

  /** A connection has ended. */
  note(client: Identity, { cause, code, reason }: Pick<Ending, "cause" | "code" | "reason">): void {
    const at = this.#clock.wallNow();
    const { clientId, connectionId, protocol, remoteAddress, connectedAt } = client;
    this.#recent.note((longest, dropped) => {
      // The reason makes room first: who went is found by the name. Names of subprotocols have no bound.
      const names = dropped === 0 ? Infinity : Math.floor(LONGEST_NAME / dropped);
      return {
        ...{ at, clientId: cutTo(names, clientId), connectionId },
        ...{ protocol: protocol && cutTo(names, protocol), remoteAddress },
        ...{ connectedAt, cause, code, reason: cutTo(longest, reason) },
      };
    });
  }

  /** Many ended at once, as far as they would still be there. */
  noteAll(clients: readonly Identity[], ending: Pick<Ending, "cause" | "code" | "reason">): void {
    for (const client of clients.slice(-DEPARTURES)) this.note(client, ending);
  }

  /**
   * Who went since, the last 200 at most, the earliest first.
   *
   * @param cursor From the reading before; empty for the first.
   */
  since(cursor: Cursor): { departures: Departure[]; cursor: Cursor } {
    const { entries, cursor: next } = this.#recent.since(cursor);
    const departures = entries.slice(-DEPARTURES).map(({ thread: _, ...departure }) => departure);
    return { departures, cursor: next };
  }
}
