/**
 * Groups of processes that live for a part of the run.
 *
 * @module
 */

import { Processes } from "../load/processes.ts";

/** Ends what it started, part by part or all at once. */
export class Groups {
  readonly #open = new Set<Processes>();
  #isEnded = false;

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Runs a part with processes of its own, which end with it however it ends. */
  async with<T>(part: (processes: Processes) => Promise<T>): Promise<T> {
    if (this.#isEnded) throw new Error("the run has been ended");
    const processes = new Processes();
    this.#open.add(processes);
    try {
      return await part(processes);
    } finally {
      await processes.end();
      this.#open.delete(processes);
    }
  }

  /** Ends all that runs now; nothing is started after it. */
  async end(): Promise<void> {
    this.#isEnded = true;
    await Promise.all([...this.#open].map((processes) => processes.end()));
  }
}
