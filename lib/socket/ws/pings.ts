/**
 * Pings to clients that are silent, and the end of those that stay so.
 *
 * @module
 */

import { type Clock, every } from "../../clock.ts";

/** A client's connection, as far as silence goes. */
export interface Pinged {
  /** Looks since something came of it; 0 right after that. */
  silence: number;
  ping(): void;
  /** It has been silent for too long. */
  giveUp(): void;
}

/** So often each one is looked at until it is given up; it is pinged after half of them. */
const LOOKS = 16;
/** Those that are looked at together are so few that nobody waits for it. */
const MAX_GROUPS = 50;
/** Nothing is looked at more often. */
const MIN_LOOK_MS = 10;

/**
 * Owns who may be silent for how long. Without a timer for each: they are in groups, and the groups are
 * looked at in turn. While there are none, it does nothing.
 */
export class Pings {
  readonly #clock: Clock;
  readonly #lookMs: number;
  readonly #groups: readonly Set<Pinged>[];
  #size = 0;
  #next = 0;
  #stop = (): void => {};

  /** @param idleMs A client that is silent for so long is given up, and pinged after half of it. */
  constructor(clock: Clock, idleMs: number) {
    this.#clock = clock;
    const roundMs = idleMs / LOOKS;
    const groups = Math.max(1, Math.min(MAX_GROUPS, Math.floor(roundMs / MIN_LOOK_MS)));
    this.#lookMs = roundMs / groups;
    this.#groups = Array.from({ length: groups }, () => new Set<Pinged>());
  }

  /** @returns Its group, which `leave` needs. */
  enter(client: Pinged): number {
    if (this.#size++ === 0) this.#start();
    // The one that has just been looked at: all of its looks are ahead.
    const { length } = this.#groups;
    const group = (this.#next + length - 1) % length;
    this.#groups[group]!.add(client);
    return group;
  }

  leave(client: Pinged, group: number): void {
    if (!this.#groups[group]!.delete(client)) return;
    if (--this.#size === 0) this.#stop();
  }

  #start(): void {
    this.#stop = every(this.#clock, this.#lookMs, () => this.#look());
  }

  #look(): void {
    const group = this.#groups[this.#next]!;
    this.#next = (this.#next + 1) % this.#groups.length;
    for (const client of group) {
      client.silence++;
      if (client.silence === LOOKS / 2) client.ping();
      if (client.silence > LOOKS) client.giveUp();
    }
  }
}
