/**
 * Warnings and errors of the log, those of one kind together. Pure.
 *
 * @module
 */

/** @import { RecentFault } from "../../log/recent_faults.ts" */

/** Of each level. */
const MAX_GROUPS = 100;

/**
 * Lines of one event about one client.
 *
 * @typedef {object} Group
 * @property {string} key
 * @property {number} count
 * @property {number} first Milliseconds since 1970.
 * @property {RecentFault} last
 */

/** Owns the groups of one level. Always true: no two are of one event and one client. */
export class FaultGroups {
  /** The one that was added to last at the end. @type {Map<string, Group>} */
  #groups = new Map();
  count = 0;

  get size() {
    return this.#groups.size;
  }

  /**
   * Adds a line to its group.
   *
   * @param {RecentFault} fault No older than those before.
   * @returns {{ group: Group, gone: Group | null }} `gone` is one for which there is no room any more.
   */
  add(fault) {
    const key = JSON.stringify([fault.event, fault.fields.clientId ?? null]);
    const before = this.#groups.get(key);
    const group = before === undefined
      ? { key, count: 1, first: fault.at, last: fault }
      : { ...before, count: before.count + 1, last: fault };
    this.#groups.delete(key);
    this.#groups.set(key, group);
    this.count++;
    const [oldest] = this.#groups.values();
    if (this.#groups.size <= MAX_GROUPS || oldest === undefined) return { group, gone: null };
    this.#groups.delete(oldest.key);
    return { group, gone: oldest };
  }

  clear() {
    this.#groups.clear();
    this.count = 0;
  }
}
