/**
 * The frames of one client, wherever it is connected, as events.
 *
 * @module
 */

import type { Following } from "../cluster/following.ts";

/** Tells what is new of a client that is followed. */
export class Tail {
  readonly #following: Pick<Following, "next">;
  /** What was told last of where the client is. */
  #state = "";

  constructor(following: Pick<Following, "next">) {
    this.#following = following;
  }

  /**
   * Asks once and tells what is new: `connection` with its id, null while the client is not connected,
   * and why something may be missing; `frames`, at the beginning also when there are none.
   *
   * @returns False when there will be nothing more: `refused` says why.
   */
  async tell(write: (event: string, data: unknown) => void): Promise<boolean> {
    const told = await this.#following.next();
    if ("refusal" in told) {
      write("refused", { reason: told.refusal });
      return false;
    }
    const { connectionId, missing, rows } = told;
    const isFirst = this.#state === "";
    const state = JSON.stringify({ connectionId, missing });
    if (state !== this.#state) write("connection", { connectionId, missing });
    this.#state = state;
    if (isFirst || rows.length > 0) write("frames", { rows, isFirst });
    return true;
  }
}
