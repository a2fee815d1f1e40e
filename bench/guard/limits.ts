/**
 * What the gateway may cost at most, and whether it does.
 *
 * @module
 */

/**
 * How many times the bare bridge's CPU for one answer the gateway was measured to take, by scenario of
 * `bench:peers`. Who makes it less writes it down here.
 */
const REACHED: Readonly<Record<string, number>> = { "closed-64": 1.17, "closed-1000": 1.1 };

/** Two runs of the same program differ by less than this. */
const MARGIN = 1.1;

/** By scenario: above these ratios the guard fails. */
export const LIMITS: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(REACHED).map(([scenario, ratio]) => [scenario, ratio * MARGIN]),
);

/**
 * Whether a ratio is within its limit. Pure.
 *
 * A ratio that was not measured is not, and neither is one of a scenario without a limit.
 */
export function isWithin(
  scenario: string,
  ratio: number,
  limits: Readonly<Record<string, number>> = LIMITS,
): boolean {
  return ratio <= (limits[scenario] ?? NaN);
}
