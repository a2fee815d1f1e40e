/**
 * Command lines of benches.
 *
 * @module
 */

import { type Command, CommanderError } from "commander";

export type Unfit =
  /** Print to standard output, exit 0. */
  | { readonly kind: "print"; readonly text: string }
  /** Print to standard error, exit 2. */
  | { readonly kind: "refuse"; readonly message: string };

/**
 * Has a command read its arguments; its `opts()` are there then.
 *
 * @param command With its options.
 * @returns What to do instead of running, null to run.
 */
export function parseFlags(command: Command, args: readonly string[]): Unfit | null {
  let output = "";
  command
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => output += text,
      writeErr: (text) => output += text,
      // Plain text, and no look at the environment.
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      getOutHelpWidth: () => 100,
    });
  try {
    command.parse(args, { from: "user" });
    return null;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0
      ? { kind: "print", text: output }
      : { kind: "refuse", message: output.trim().replace(/^error: /, "") };
  }
}
