/**
 * The command line: which flags are given, with what texts.
 *
 * @module
 */

import { Command, CommanderError, Option } from "commander";
import { type FlagName, FLAGS, variableOf } from "./flag.ts";
import type { Flag } from "./flag_kind.ts";
import { shownValue } from "./shown.ts";

/** What a person is told in place of a run. */
export type Told =
  /** Print this to standard output and exit 0. */
  | { readonly kind: "print"; readonly text: string }
  /** Print this one line to standard error and exit 2. */
  | { readonly kind: "refuse"; readonly message: string };

/** A command line, taken apart. */
export type CommandLine =
  | { readonly kind: "given"; readonly texts: ReadonlyMap<FlagName, string> }
  | Told;

/**
 * Takes the command line apart. What a flag's text means is not looked at.
 *
 * @param args The arguments behind the program's name.
 * @param version The program's version.
 */
export function readCommandLine(args: readonly string[], version: string): CommandLine {
  const output = { text: "" };
  const command = createCommand(version, output);
  const texts = new Map<FlagName, string>();
  let repeated: FlagName | undefined;
  const given = new Set<FlagName>();
  for (const name of Object.keys(FLAGS) as FlagName[]) {
    command.on(`option:${name}`, () => {
      if (given.has(name)) repeated ??= name;
      given.add(name);
    });
  }
  try {
    command.parse(args.map(withTwoDashes), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: "print", text: output.text };
    return { kind: "refuse", message: refusalOf(error, args, command.args[0] ?? "") };
  }
  if (repeated !== undefined) {
    return { kind: "refuse", message: `--${repeated}: given twice; allowed is once` };
  }
  for (const option of command.options) {
    const key = option.attributeName();
    if (command.getOptionValueSource(key) !== "cli") continue;
    const value: unknown = command.getOptionValue(key);
    // Commander takes `--no-x` for the negation of `--x`, and its presence for a false.
    const isSwitch = typeof value === "boolean";
    texts.set(option.name() as FlagName, isSwitch ? "true" : String(value));
  }
  return { kind: "given", texts };
}

/**
 * The flag whose name is nearest to what somebody wrote; undefined when none is near.
 *
 * @param name Without dashes at its beginning; capitals and `_` count as in the names of variables.
 *
 * @example
 * ```ts
 * import { nearestFlag } from "./command_line.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(nearestFlag("BACKNED"), "backend");
 * strictEqual(nearestFlag("tls_cert"), "tls-cert");
 * ```
 */
export function nearestFlag(name: string): FlagName | undefined {
  const flag = name.toLowerCase().replaceAll("_", "-").replace(/^-+/, "");
  if (Object.hasOwn(FLAGS, flag)) return flag as FlagName;
  if (!/^[a-z][a-z0-9-]*$/.test(flag)) return undefined;
  try {
    createCommand("", { text: "" }).parse([`--${flag}`], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return suggestionsIn(error)?.split(", ").map((each) => each.replace(/^--/, ""))
      .find((each) => Object.hasOwn(FLAGS, each)) as FlagName | undefined;
  }
  return undefined;
}

/** The library's own words for what was nearly given. */
function suggestionsIn({ message }: CommanderError): string | undefined {
  return /\(Did you mean (?:one of )?(.+)\?\)$/.exec(message)?.[1];
}

/** All flags; what it prints is put at the end of `output`. */
function createCommand(version: string, output: { text: string }): Command {
  const command = new Command("ws2api")
    .description(
      "WebSocket clients (OCPP-J charging stations) on one side, an HTTP backend on the other.",
    )
    .version(version)
    .helpOption("-h, --help", "display this help")
    .allowExcessArguments(false)
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => output.text += text,
      writeErr: () => {},
      // Plain text, and no look at variables beyond the program's own.
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      getOutHelpWidth: () => 100,
    })
    .addHelpText(
      "after",
      "\nDurations take a unit (500ms, 30s, 2m), sizes too (64KiB, 1MiB).\n" +
        "A flag counts more than its environment variable, the variable more than the file of\n" +
        "--config, the file more than the default.",
    );
  for (const name of Object.keys(FLAGS) as FlagName[]) {
    const { placeholder, default: defaultText, help }: Flag<unknown> = FLAGS[name];
    const shown = placeholder === undefined ? "off" : defaultText ?? "none";
    // Commander's own default and env would read the process's environment behind our back, and
    // take WS2API_INSECURE_API=false for a yes.
    const option = new Option(
      placeholder === undefined ? `--${name}` : `--${name} <${placeholder}>`,
      `${help} (default: ${shown}, env: ${variableOf(name)})`,
    );
    command.addOption(option);
  }
  return command;
}

/** Go's programs take `-cpuprofile`, and so do hands that know them. */
function withTwoDashes(argument: string): string {
  return /^-(?:cpu|mem)profile(?:=|$)/.test(argument) ? `-${argument}` : argument;
}

/**
 * Commander's message as the one line of this program. The values of flags stay out of it: what stands
 * behind a misspelled `--api-token` is a token too.
 *
 * @param args The whole command line.
 * @param stray The first argument that belongs to no flag, if that is the error.
 */
function refusalOf(error: CommanderError, args: readonly string[], stray: string): string {
  const given = /--?[\w-]{1,50}/.exec(error.message)?.[0] ?? "";
  const name = given.slice(2);
  const flag: Flag<unknown> | undefined = Object.hasOwn(FLAGS, name)
    ? FLAGS[name as FlagName]
    : undefined;
  switch (error.code) {
    case "commander.unknownOption": {
      if (flag !== undefined) return `${given}: a value is not allowed; allowed is the flag alone`;
      const nearest = suggestionsIn(error);
      const hint = nearest === undefined ? "" : `did you mean ${nearest}? `;
      return `${given}: no such flag; ${hint}allowed are those that --help lists`;
    }
    case "commander.optionMissingArgument": {
      const read = flag?.read("");
      return `${given}: no value given; allowed is ${
        read?.ok === false ? read.allowed : "a value"
      }`;
    }
    default:
      return `${
        strayName(args, stray)
      }: an argument that belongs to no flag is not allowed; allowed are flags, --help lists them`;
  }
}

/** A stray argument as it may be printed: what stands behind a secret may be the rest of that secret. */
function strayName(args: readonly string[], stray: string): string {
  const at = args.indexOf(stray);
  const isBehindSecret = args.slice(Math.max(0, at - 2), at).some((argument) => {
    const name = /^--([\w-]+)/.exec(argument)?.[1] ?? "";
    return Object.hasOwn(FLAGS, name) && "isSecret" in FLAGS[name as FlagName];
  });
  return isBehindSecret ? "what stands behind a secret" : shownValue(stray);
}
