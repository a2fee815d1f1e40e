/**
 * Who may recover what.
 *
 * @module
 */

import type { Owners } from "./database.ts";

/**
 * Owns who has what of whom. Owners of this process are counted from 1; in the file they follow those
 * of earlier processes, which together are one estate that nobody has yet.
 *
 * Always true: each estate has one holder, so that it is handed on once.
 */
export class Estates {
  /** What an owner's number is in the file, less the number. */
  readonly base: number;
  /** Nobody, 0, at first. */
  readonly #holders: { readonly owners: Owners; holder: number }[];

  /** @param lastOwner The greatest number in the file at the start. */
  constructor(lastOwner: number) {
    this.base = lastOwner;
    this.#holders = [{ owners: { from: 0, to: lastOwner }, holder: 0 }];
  }

  /** What earlier processes left, if nobody has it yet; it is this owner's then. */
  ofEarlier(owner: number): Owners[] {
    return this.#take(0, owner);
  }

  /** What a dead owner had, also of others; it is the heir's then. */
  ofDead(owner: number, heir: number): Owners[] {
    if (owner === heir) return [];
    const number = this.base + owner;
    if (!this.#holders.some(({ owners }) => owners.from === number)) {
      this.#holders.push({ owners: { from: number, to: number }, holder: owner });
    }
    return this.#take(owner, heir);
  }

  #take(holder: number, heir: number): Owners[] {
    const taken = this.#holders.filter((each) => each.holder === holder);
    for (const each of taken) each.holder = heir;
    return taken.map(({ owners }) => owners);
  }
}
