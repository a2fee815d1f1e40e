/**
 * Who waits for room for more bodies.
 *
 * @module
 */

import type { Places } from "./places.ts";
import type { RoomSeeker } from "./report_lane.ts";

/** Owns the clients that may not be sent more CALLs before there is room for more bodies. */
export class Seekers {
  readonly #places: Pick<Places, "hasRoomForBytes">;
  readonly #seekers = new Map<string, RoomSeeker>();

  constructor(places: Pick<Places, "hasRoomForBytes">) {
    this.#places = places;
  }

  get size(): number {
    return this.#seekers.size;
  }

  /** Whether there is room; otherwise this one is told once when there is. Of a client the last one counts. */
  hasRoom(clientId: string, seeker: RoomSeeker): boolean {
    if (this.#places.hasRoomForBytes) return true;
    this.#seekers.set(clientId, seeker);
    return false;
  }

  /** This one has gone, and need not be told. */
  forget(clientId: string, seeker: RoomSeeker): void {
    if (this.#seekers.get(clientId) === seeker) this.#seekers.delete(clientId);
  }

  /** Tells them while there is room: each may use it up. */
  tell(): void {
    for (const [clientId, seeker] of this.#seekers) {
      if (!this.#places.hasRoomForBytes) return;
      this.#seekers.delete(clientId);
      seeker.roomForReport();
    }
  }
}
