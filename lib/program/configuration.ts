/**
 * All that says how the program is to run: command line, variables, the file of `--config`.
 *
 * @module
 */

import { readCommandLine, type Told } from "../config/command_line.ts";
import { type Config, readInvocation } from "../config/config.ts";
import { type ConfigFile, readConfigFile } from "../config/config_file.ts";
import { variableOf } from "../config/flag.ts";
import { nonsenseOf, type SettingWarning, warningsOf } from "../config/sense.ts";
import type { Settings } from "../config/setting.ts";
import { filePath } from "../config/value.ts";
import { strangeVariable } from "../config/variables.ts";

/** Where the program was started. */
export interface Surroundings {
  /** The arguments behind the program's name. */
  readonly args: readonly string[];
  /** Reads one environment variable. */
  readonly variable: (name: string) => string | undefined;
  /** The names of environment variables, as far as they can be known. */
  readonly names: readonly string[];
  /** The program's version. */
  readonly version: string;
  /** Reads one file; its throw is the file's fault. */
  readonly readFile: (name: string) => Uint8Array;
}

/** How to run. */
export interface Configuration {
  readonly kind: "run";
  readonly config: Config;
  /** Each flag's setting, with where it comes from. */
  readonly settings: Settings;
  /** What makes little sense. */
  readonly warnings: readonly SettingWarning[];
}

/** Reads it all. Never rejects for what somebody wrote. */
export async function readConfiguration(
  { args, variable, names, version, readFile }: Surroundings,
): Promise<Configuration | Told> {
  const line = readCommandLine(args, version);
  if (line.kind !== "given") return line;
  const strange = strangeVariable(names, variable);
  if (strange !== undefined) return { kind: "refuse", message: strange };
  // As in `readInvocation`: an empty variable counts as none.
  const fileName = line.texts.get("config") ?? (variable(variableOf("config")) || undefined);
  let file: ConfigFile | undefined;
  // A name that is not allowed is refused below.
  if (fileName !== undefined && filePath(fileName).ok) {
    const read = await readConfigFile(fileName, readFile);
    if (!read.ok) return { kind: "refuse", message: read.message };
    file = read.file;
  }
  const invocation = readInvocation(args, variable, version, file);
  if (invocation.kind !== "run") return invocation;
  const { config, settings } = invocation;
  const nonsense = nonsenseOf(config);
  if (nonsense !== undefined) return { kind: "refuse", message: nonsense };
  return { kind: "run", config, settings, warnings: warningsOf(config, settings) };
}

/** A reader of variables that still knows what it read when it may read no more. */
export function remembering(
  variable: (name: string) => string | undefined,
): (name: string) => string | undefined {
  const known = new Map<string, string | undefined>();
  return (name) => {
    if (!known.has(name)) known.set(name, variable(name));
    return known.get(name);
  };
}
