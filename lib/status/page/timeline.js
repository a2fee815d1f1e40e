/**
 * The last five minutes as points. Pure.
 *
 * @module
 */

/** @import { Point } from "./rates.js" */

export const WINDOW_MS = 300_000;
/** Between points that are further apart nothing is known, and nothing is drawn. */
const GAP_MS = 3000;

/**
 * Owns the points of all charts.
 *
 * Always true: they ascend in time and none is older than the window before the newest.
 */
export class Timeline {
  /** @type {Point[]} */
  #points = [];
  /** When a gateway began, in milliseconds since 1970, ascending. @type {number[]} */
  #starts = [];
  /** Since when all points are of one gateway. */
  #loadedFrom = 0;

  /** @returns {readonly Point[]} The oldest first. */
  get points() {
    return this.#points;
  }

  /** Starts of the gateway within the time that is shown. */
  get starts() {
    const oldest = (this.#points.at(-1)?.at ?? Infinity) - WINDOW_MS;
    return this.#starts.filter((at) => at >= oldest);
  }

  /**
   * Takes what the gateway has kept in place of what was seen in that time. What is older stays: it may
   * be of a run before.
   *
   * @param {readonly Point[]} kept
   * @param {number} startedAt Milliseconds since 1970.
   */
  load(kept, startedAt) {
    this.began(startedAt);
    const [first] = kept;
    if (first === undefined) return;
    this.#loadedFrom = first.at;
    this.#points = this.#points.filter(({ at }) => at < first.at);
    for (const point of kept) this.add(point);
  }

  /**
   * The stream comes from another instance now: of the one before nothing stays.
   *
   * @param {number} startedAt Milliseconds since 1970.
   */
  isOther(startedAt) {
    this.#starts = [startedAt];
    this.#points = this.#points.filter(({ at }) => at >= this.#loadedFrom);
  }

  /** @param {number} startedAt Of the gateway that tells from now on. */
  began(startedAt) {
    if (!this.#starts.includes(startedAt)) this.#starts.push(startedAt);
    this.#starts.sort((a, b) => a - b).splice(0, this.#starts.length - 100);
  }

  /** @param {Point} point When the clock was set back, those that would follow it go. */
  add(point) {
    const oldest = point.at - WINDOW_MS;
    this.#points = this.#points.filter(({ at }) => oldest <= at && at < point.at);
    this.#points.push(point);
  }

  /**
   * The points, with null where nothing is known in between: a line ends there.
   *
   * @returns {(Point | { at: number })[]}
   */
  withGaps() {
    return this.#points.flatMap((point, i) => {
      const before = this.#points[i - 1];
      if (before === undefined || point.at - before.at <= GAP_MS) return [point];
      return [{ at: before.at + 1 }, point];
    });
  }
}
