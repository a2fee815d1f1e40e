/**
 * One client's CALLs, one after the other in the order they came.
 *
 * @module
 */

"use strict";

/** Runs tasks one at a time. An idle lane starts a task at once, without a promise more. */
class Lane {
  #isBusy = false;
  #waiting = null;

  /** How many tasks wait for their turn. */
  get waiting() {
    return this.#waiting?.length ?? 0;
  }

  /**
   * Runs a task when those before it have ended, however they did.
   *
   * @template T
   * @param {() => Promise<T>} task
   * @returns {Promise<T>} What the task gives.
   */
  async run(task) {
    if (this.#isBusy) {
      await new Promise((resolve) => (this.#waiting ??= []).push(resolve));
    }
    this.#isBusy = true;
    try {
      return await task();
    } finally {
      const next = this.#waiting?.shift();
      // Whoever is next takes over the busy lane, so that nobody can step in between.
      if (next === undefined) this.#isBusy = false;
      else next();
    }
  }
}

module.exports = { Lane };
