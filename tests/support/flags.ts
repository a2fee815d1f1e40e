/**
 * Command lines of the gateway.
 *
 * @module
 */

/**
 * Of each flag that stands there more than once, as `--name=value`, the last: so a helper's own flags may
 * come first. The gateway refuses one that is given twice.
 */
export function lastOfEach(flags: readonly string[]): string[] {
  const last = new Map(flags.map((flag, i) => [flag.split("=")[0], i]));
  return flags.filter((flag, i) => !flag.startsWith("--") || last.get(flag.split("=")[0]) === i);
}
