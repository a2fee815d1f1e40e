/**
 * What a histogram's counts say of the durations in them. Pure.
 *
 * @module
 */

/**
 * The duration that this part of all does not exceed.
 *
 * @param bounds Upper ends of the buckets, ascending, without the last one, which has none.
 * @param counts One more than `bounds`; each counts its own bucket only.
 * @param part From 0 to 1.
 * @returns In the unit of `bounds`. An estimate: within a bucket all are taken as spread evenly, and what
 *   is beyond the last bound counts as that bound. NaN without any.
 *
 * @example
 * ```ts
 * import { quantileOf } from "./quantile.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(quantileOf([1, 2], [2, 2, 0], 0.75), 1.5);
 * ```
 */
export function quantileOf(
  bounds: readonly number[],
  counts: ArrayLike<number>,
  part: number,
): number {
  let total = 0;
  for (let i = 0; i < counts.length; i++) total += counts[i]!;
  if (total <= 0) return NaN;
  let left = part * total;
  for (let i = 0; i < bounds.length; i++) {
    const count = counts[i]!;
    if (count > 0 && left <= count) {
      const low = i === 0 ? 0 : bounds[i - 1]!;
      return low + (bounds[i]! - low) * (left / count);
    }
    left -= count;
  }
  return bounds.at(-1) ?? NaN;
}
