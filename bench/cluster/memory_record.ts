/**
 * The memory of several processes together, over time.
 *
 * @module
 */

import { look, proportionalKib } from "./proc.ts";

/** The most that was seen, in KiB. */
export class MemoryRecord {
  readonly #pids: readonly number[];
  /** Before the first client. */
  #emptyProportionalKib = 0;
  #residentKib = 0;
  #maxResidentKib = 0;
  #maxProportionalKib = 0;

  private constructor(pids: readonly number[]) {
    this.#pids = pids;
  }

  static async start(pids: readonly number[]): Promise<MemoryRecord> {
    const record = new MemoryRecord(pids);
    await record.note(true);
    record.#emptyProportionalKib = record.#maxProportionalKib;
    return record;
  }

  /** Looks again. @param withShares Also what they have in common, divided: that takes longer. */
  async note(withShares: boolean): Promise<void> {
    const { processes } = await look(this.#pids);
    this.#residentKib = [...processes.values()].reduce((sum, each) => sum + each.residentKib, 0);
    this.#maxResidentKib = Math.max(this.#maxResidentKib, this.#residentKib);
    if (!withShares) return;
    this.#maxProportionalKib = Math.max(
      this.#maxProportionalKib,
      await proportionalKib(this.#pids),
    );
  }

  /** The sum of their resident memory at the last look; pages in common count for each. */
  get residentKib(): number {
    return this.#residentKib;
  }

  get maxResidentKib(): number {
    return this.#maxResidentKib;
  }

  get emptyProportionalKib(): number {
    return this.#emptyProportionalKib;
  }

  get maxProportionalKib(): number {
    return this.#maxProportionalKib;
  }
  toJSON(): object {
    const { maxResidentKib, emptyProportionalKib, maxProportionalKib } = this;
    return { maxResidentKib, emptyProportionalKib, maxProportionalKib };
  }
}
