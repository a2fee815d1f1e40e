/**
 * When a client that is refused for now may come back.
 *
 * @module
 */

import type { Random } from "../random.ts";

/** The earliest and the latest time, in seconds. */
export type ComeBack = readonly [least: number, most: number];

export const SOON: ComeBack = [1, 10];

/**
 * While the backend is away. A refusal costs the CPU of a quarter of an upgrade, so that 10,000 clients
 * that ask all the time, some 600 times a second, cost a fraction of what they cost when they are in;
 * and the last of them asks again half a minute after the backend is back.
 */
export const WHILE_AWAY: ComeBack = [5, 30];

/** Spread evenly, so that those who are refused together do not come back together. */
export function retryAfter(
  [least, most]: ComeBack,
  random: Pick<Random, "fraction">,
): Readonly<Record<string, string>> {
  return { "retry-after": String(least + Math.floor(random.fraction() * (1 + most - least))) };
}
