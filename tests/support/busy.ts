/**
 * Functions to profile. Its types take lines that are gone from what V8 runs.
 *
 * @module
 */

/** Something on the heap. */
export interface Thing {
  readonly number: number;
  readonly next: Thing | null;
}

type Sums = {
  even: number;
  odd: number;
};

/** Uses the CPU. */
export function burn(
  ms: number,
): number {
  const until = performance.now() + ms;
  const sums: Sums = { even: 0, odd: 0 };
  while (performance.now() < until) {
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
