/**
 * V8 flags as a run has them, and a command with other ones.
 *
 * @module
 */

import { InvalidArgumentError } from "commander";
import { startCommand } from "../../tests/support/program.ts";

/** What V8 does by itself. */
export const NONE = "none";

const V8_FLAGS = "--v8-flags=";

/** What `deno task start` has, for comparison. */
const OWN = startCommand().find((arg) => arg.startsWith(V8_FLAGS))?.slice(V8_FLAGS.length) ?? NONE;

/** By default: its own, then the young generation, the old one's growth, and threads of the collector. */
const DEFAULTS: readonly string[] = [
  OWN,
  NONE,
  "--heap-growing-percent=30,--max-semi-space-size=6",
  "--heap-growing-percent=30",
  "--max-semi-space-size=8",
  "--max-semi-space-size=16",
  "--max-semi-space-size=32",
  "--max-semi-space-size=16,--min-semi-space-size=8",
  "--max-semi-space-size=32,--min-semi-space-size=16",
  "--heap-growing-percent=30,--max-semi-space-size=16",
  "--heap-growing-percent=70,--max-semi-space-size=16",
  "--heap-growing-percent=30,--max-semi-space-size=32,--min-semi-space-size=16",
  "--heap-growing-percent=30,--max-semi-space-size=32,--min-semi-space-size=16," +
  "--single-threaded-gc",
];

/** Without an own one that is named a second time. */
export const SETTINGS: readonly string[] = [...new Set(DEFAULTS)];

/**
 * Reads the value of `--settings`, for commander. A setting holds commas, so semicolons are between
 * them; each is what `--v8-flags=` takes, or `none`.
 */
export function settingsOf(text: string): readonly string[] {
  const settings = text.split(";").map((each) => each.trim()).filter((each) => each !== "");
  const isSetting = (each: string) =>
    each === NONE || each.split(",").every((flag) => /^--[a-z][\w-]*(?:=[\w.]+)?$/.test(flag));
  if (settings.length > 0 && settings.every(isSetting)) return [...new Set(settings)];
  throw new InvalidArgumentError(
    "Allowed are V8 flags with commas between them, or none; semicolons between two settings.",
  );
}

/**
 * A command for `deno` with these V8 flags in place of its own. Pure.
 *
 * @param command Its first word is `run`.
 * @param setting One of `settingsOf`.
 */
export function withSetting(command: readonly string[], setting: string): string[] {
  const [run = "run", ...rest] = command.filter((arg) => !arg.startsWith(V8_FLAGS));
  return setting === NONE ? [run, ...rest] : [run, `${V8_FLAGS}${setting}`, ...rest];
}
