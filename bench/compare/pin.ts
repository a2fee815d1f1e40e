/**
 * Which processor a process runs on.
 *
 * @module
 */

const CORES = navigator.hardwareConcurrency;

/**
 * Gives the server under test a processor of its own and leaves the others to its load, so that the
 * one's rate does not depend on what the other costs. Without `taskset`, or on one processor, all
 * share what there is.
 *
 * @returns Whether it was done.
 */
export async function pin(pid: number, role: "server" | "load"): Promise<boolean> {
  if (CORES < 2) return false;
  const cores = role === "server" ? "0" : `1-${CORES - 1}`;
  try {
    // All threads that it has by now; later ones inherit.
    const { success } = await new Deno.Command("taskset", {
      args: ["-acp", cores, `${pid}`],
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch {
    return false;
  }
}
