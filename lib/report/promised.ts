/**
 * Accepted CALLs that have no report yet.
 *
 * @module
 */

import type { Log } from "../log/log.ts";

/** In place of who is told, once it was. */
const LOST = Symbol("lost");
const NOTHING = (): void => {};

/**
 * Owns the ids of the accepted CALLs of one thread until they end, where another owner may come to have
 * them; and knows of each whether one has.
 *
 * Always true: there are no more than places are taken, since each ends; who was named for one that is
 * lost was told once.
 */
export class PromisedCalls {
  readonly #log: Pick<Log, "error">;
  readonly #calls = new Map<string, (() => void) | typeof LOST>();

  constructor(log: Pick<Log, "error">) {
    this.#log = log;
  }

  /** A CALL is about to be accepted: `end` must follow. @param onLost Told when another owner has it. */
  begin(id: string, onLost: () => void = NOTHING): void {
    this.#calls.set(id, onLost);
  }

  /** Whether its outcome is still to come, and is to be reported from here. */
  has(id: string): boolean {
    const onLost = this.#calls.get(id);
    return onLost !== undefined && onLost !== LOST;
  }

  /** It is another owner's from now on, if it is here. */
  lose(id: string): void {
    const onLost = this.#calls.get(id);
    if (onLost === undefined || onLost === LOST) return;
    this.#calls.set(id, LOST);
    try {
      onLost();
    } catch (error) {
      // A fault of ours: the others are lost all the same.
      this.#log.error("a lost CALL failed", { error: String(error) });
    }
  }

  /** It has its outcome, or has none. @returns Whether that is another owner's to report. */
  end(id: string): boolean {
    const onLost = this.#calls.get(id);
    if (onLost === undefined) return false;
    this.#calls.delete(id);
    return onLost === LOST;
  }
}
