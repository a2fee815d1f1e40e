/**
 * A task from its command line to its exit code.
 *
 * @module
 */

import { type Command, CommanderError } from "commander";
import { Processes } from "./processes.ts";
import { writeErr, writeOut } from "./text.ts";

/**
 * Runs a task and exits: with 2 for flags that it does not take, and 130 when it was interrupted.
 * Whatever happens, the processes that it started are ended.
 *
 * @param command Its name and flags. What `main` finds wrong with them it tells by `command.error`.
 * @param main Gets the flags' values; gives the exit code. What it throws is told in one line.
 */
export async function runTask<Flags extends object>(
  command: Command,
  main: (flags: Flags, processes: Processes) => Promise<number>,
): Promise<never> {
  const processes = new Processes();
  let isInterrupted = false;
  // Ctrl+C reaches all processes, SIGTERM this one alone.
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      isInterrupted = true;
      void processes.end().then(() => Deno.exit(130));
    });
  }
  // Else it would end this process and leave the others.
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    writeErr(`${command.name()}: ${event.reason}\n`);
    void processes.end().then(() => Deno.exit(1));
  });
  let code = 1;
  try {
    code = await main(parse<Flags>(command, Deno.args), processes);
  } catch (error) {
    if (error instanceof CommanderError) code = error.exitCode === 0 ? 0 : 2;
    // After an interrupt it is only that the processes are gone.
    else if (!isInterrupted) {
      writeErr(`${command.name()}: ${error instanceof Error ? error.message : error}\n`);
    }
  } finally {
    await processes.end();
  }
  Deno.exit(isInterrupted ? 130 : code);
}

function parse<Flags extends object>(command: Command, args: readonly string[]): Flags {
  command.allowExcessArguments(false).exitOverride().configureOutput({
    writeOut,
    writeErr,
    outputError: (text) => writeErr(`${command.name()}: ${text.trim().replace(/^error: /, "")}\n`),
    // Plain text, and no look at the environment.
    getOutHasColors: () => false,
    getErrHasColors: () => false,
    getOutHelpWidth: () => 100,
  });
  return command.parse(args, { from: "user" }).opts<Flags>();
}
