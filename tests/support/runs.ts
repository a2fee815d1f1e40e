/**
 * How often a property is tried.
 *
 * @module
 */

/** The variable that makes the tests of properties try less often, for a quick look. */
export const FEW_RUNS = "TESTS_FEW_RUNS";

/** So many runs of a property, or a twentieth of them when few are asked for. */
export function runs(count: number): number {
  return Deno.env.get(FEW_RUNS) === undefined ? count : Math.ceil(count / 20);
}
