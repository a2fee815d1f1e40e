/**
 * Which clients are looked at in this thread.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import { Tap, type Tapped, type TapReading } from "./tap.ts";

/** Clients that are looked at in one thread at the same time. */
const MAX_TAPS = 32;
/** A tap that is not read for so long is taken away. */
const UNREAD_MS = 10_000;

export interface TapsDeps {
  readonly clock: Clock;
  /** Who is connected to this thread. */
  readonly connections: { get(clientId: string): Tapped | undefined };
  /** Names this thread to those who look. */
  readonly ids: { next(): string };
}

/** What one thread saw of a client. */
export interface ClientReading extends TapReading {
  /** The client's connection to this thread; null without one. */
  readonly connectionId: string | null;
}

interface Entry {
  readonly tap: Tap;
  timer: Timer;
  /** Whether it was ever read with payloads: by one who records, or may do more than others. */
  hasPayloads: boolean;
}

/**
 * Owns the taps, by ClientId: whether the client is connected or not, so that the first frame of its next
 * connection is seen. Taken away when nobody reads them any more. Each has one timer, and there are no more than
 * `MAX_TAPS`.
 */
export class Taps {
  readonly #deps: TapsDeps;
  readonly #taps = new Map<string, Entry>();
  #source: string | undefined;
  #places = 0;
  readonly #nextPlace = (): number => ++this.#places;

  constructor(deps: TapsDeps) {
    this.#deps = deps;
  }

  /** This thread's name among those that are looked at; another one after its end. */
  get source(): string {
    return this.#source ??= this.#deps.ids.next();
  }

  /** A connection begins: its tap, if there is one, sees it from now on. */
  begin(connection: Tapped): void {
    // Mostly empty.
    this.#taps.get(connection.clientId)?.tap.begin(connection);
  }

  /**
   * Reads a client's tap; the first reading puts it there.
   *
   * @param since `next` of the reading before; -1 for the first.
   * @returns Undefined when too many others are looked at. Who reads payloads takes the place of the oldest tap
   *   of those who do not: anybody may look, and so nobody can keep others from recording.
   */
  read(clientId: string, since: number, withPayloads: boolean): ClientReading | undefined {
    const { clock } = this.#deps;
    let entry = this.#taps.get(clientId);
    if (entry === undefined) {
      if (this.#taps.size >= MAX_TAPS && !(withPayloads && this.#makeRoom())) return undefined;
      const tap = this.#newTap(clientId);
      entry = { tap, timer: this.#timerOf(clientId), hasPayloads: withPayloads };
      this.#taps.set(clientId, entry);
    } else {
      clock.clearTimeout(entry.timer);
      entry.timer = this.#timerOf(clientId);
      entry.hasPayloads ||= withPayloads;
    }
    const { tap } = entry;
    return { ...tap.read(since, withPayloads), connectionId: tap.connectionId };
  }

  /** Takes all away. */
  close(): void {
    for (const clientId of [...this.#taps.keys()]) this.#remove(clientId);
  }

  /** @returns False when all that there are belong to readers of payloads. */
  #makeRoom(): boolean {
    for (const [clientId, { hasPayloads }] of this.#taps) {
      if (hasPayloads) continue;
      this.#remove(clientId);
      return true;
    }
    return false;
  }

  #newTap(clientId: string): Tap {
    const tap = new Tap(this.#nextPlace);
    const connection = this.#deps.connections.get(clientId);
    if (connection !== undefined) tap.join(connection);
    return tap;
  }

  #timerOf(clientId: string): Timer {
    return this.#deps.clock.setTimeout(() => this.#remove(clientId), UNREAD_MS);
  }

  #remove(clientId: string): void {
    const entry = this.#taps.get(clientId);
    if (entry === undefined) return;
    this.#deps.clock.clearTimeout(entry.timer);
    this.#taps.delete(clientId);
    entry.tap.remove();
  }
}
