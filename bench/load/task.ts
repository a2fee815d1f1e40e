/**
 * What the tasks of this folder have in common: they end what they started, also when interrupted.
 *
 * @module
 */

import { writeErr } from "./text.ts";

/** Processes that a task started. */
export interface Endable {
  /** Ends all; may be called again. */
  end(): Promise<void>;
}

/**
 * Runs a task and exits with its code.
 *
 * @param started What the task's processes belong to: ended at the end, and at an interrupt.
 * @param main Its exit code; what it throws is told in one line.
 */
export async function runTask<T extends Endable>(
  task: string,
  started: T,
  main: (started: T) => Promise<number>,
): Promise<never> {
  let isInterrupted = false;
  // Ctrl+C reaches all processes, SIGTERM this one alone.
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      isInterrupted = true;
      void started.end().then(() => Deno.exit(130));
    });
  }
  let code = 1;
  try {
    code = await main(started);
  } catch (error) {
    // After an interrupt it is only that the processes are gone.
    const reason = error instanceof Error ? error.message : String(error);
    if (!isInterrupted) writeErr(`${task}: ${reason}\n`);
  } finally {
    await started.end();
  }
  Deno.exit(isInterrupted ? 130 : code);
}
