/**
 * Functions to profile. Its types take lines that are gone from what V8 runs.
 *
 * @module
 */

import process from "node:process";

/** Something on the heap. */
export interface Thing {
  readonly number: number;
  readonly next: Thing | null;
}

type Sums = {
  even: number;
  odd: number;
};

/** Uses so much of the CPU, however long that takes when others use it too. */
export function burn(
  ms: number,
): number {
  const until = process.threadCpuUsage().user + 1000 * ms;
  const sums: Sums = { even: 0, odd: 0 };
  while (process.threadCpuUsage().user < until) {
    for (let i = 0; i < 10_000; i++) {
      sums.even += Math.sqrt(2 * i);
      sums.odd += Math.sqrt(2 * i + 1);
    }
  }
  return sums.even + sums.odd;
}

/** Uses the heap. */
export function hoard(
  count: number,
): Thing | null {
  let last: Thing | null = null;
  for (let i = 0; i < count; i++) last = { number: i + 0.5, next: last };
  return last;
}
