/**
 * Reports that are not tried any more.
 *
 * @module
 */

import type { Places } from "./places.ts";
import type { Tracked } from "./tracked.ts";

/**
 * Owns the parked reports of this thread, the one parked first before all others. They are kept for
 * inspection, for so long and so many of them: beyond that the oldest is forgotten.
 */
export class Parking {
  readonly #places: Places;
  readonly #forget: (tracked: Tracked) => void;
  readonly #parked = new Map<string, Tracked>();

  /** @param forget Told of each that is forgotten; it is in here no longer. */
  constructor(places: Places, forget: (tracked: Tracked) => void) {
    this.#places = places;
    this.#forget = forget;
  }

  get size(): number {
    return this.#parked.size;
  }

  get(id: string): Tracked | undefined {
    return this.#parked.get(id);
  }

  values(): Iterable<Tracked> {
    return this.#parked.values();
  }

  /** Parks one; its `bornAt` is when that was. */
  add(tracked: Tracked): void {
    tracked.state = "parked";
    this.#parked.set(tracked.id, tracked);
    this.#places.park(tracked);
    this.trim();
  }

  /**
   * Forgets the oldest while there are too many over all threads, down to this thread's share: the others
   * forget theirs, at their next look at the latest.
   */
  trim(): void {
    for (const oldest of this.#parked.values()) {
      if (!this.#places.isParkedFull) return;
      this.#drop(oldest);
    }
  }

  /** Takes one out. */
  take(tracked: Tracked): void {
    this.#parked.delete(tracked.id);
    this.#places.unpark(tracked);
  }

  /** Forgets those that were parked at this time or before, by the clock. */
  forgetUntil(time: number): void {
    for (const oldest of this.#parked.values()) {
      if (oldest.bornAt > time) return;
      this.#drop(oldest);
    }
  }

  #drop(tracked: Tracked): void {
    this.take(tracked);
    this.#forget(tracked);
  }
}
