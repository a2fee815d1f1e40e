/**
 * What the tasks of this folder have in common: they end what they started, also when interrupted.
 *
 * @module
 */

import { writeErr } from "../load/text.ts";
import { Groups } from "../peers/groups.ts";

/**
 * Runs a task and exits with its code.
 *
 * @param main Its exit code; what it throws is told in one line.
 */
export async function runTask(
  task: string,
  main: (groups: Groups) => Promise<number>,
): Promise<never> {
  const groups = new Groups();
  let isInterrupted = false;
  // Ctrl+C reaches all processes, SIGTERM this one alone.
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      isInterrupted = true;
      void groups.end().then(() => Deno.exit(130));
    });
  }
  let code = 1;
  try {
    code = await main(groups);
  } catch (error) {
    // After an interrupt it is only that the processes are gone.
    const reason = error instanceof Error ? error.message : String(error);
    if (!isInterrupted) writeErr(`${task}: ${reason}\n`);
  } finally {
    await groups.end();
  }
  Deno.exit(isInterrupted ? 130 : code);
}
