/**
 * Clients that come at once.
 *
 * @module
 */

import { Load } from "../load/load.ts";
import type { Processes } from "../process/processes.ts";

/**
 * Clients that wait for the word to connect and have one CALL answered each.
 *
 * @param retryMs How long one that is turned away waits.
 */
export async function startWave(
  processes: Processes,
  port: number,
  clients: number,
  retryMs: number,
): Promise<Load> {
  const load = await Load.start(processes, [{
    target: { hostname: "127.0.0.1", port, path: "/" },
    prefix: "CP",
    clients,
    rampMs: 0,
    periodMs: null,
    maxCalls: 1,
    retryMs,
  }]);
  await load.order("measure");
  return load;
}
