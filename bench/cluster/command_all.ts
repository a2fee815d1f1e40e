/**
 * Many who send CALLs to clients, one after the other.
 *
 * @module
 */

import { Latencies } from "../load/latencies.ts";
import type { Caller } from "./caller.ts";

/** Whoever is refused waits a little. */
const REFUSED_PAUSE_MS = 20;

/**
 * Each caller sends one CALL after the other, all of them to all clients in turn.
 *
 * @param clients How many: `cp0`, `cp1` and so on.
 * @returns How long each took that was accepted.
 */
export async function commandAll(
  callers: readonly Caller[],
  clients: number,
  durationMs: number,
): Promise<Latencies> {
  const latencies = new Latencies();
  const startAt = performance.now();
  let next = 0;
  await Promise.all(callers.map(async (caller) => {
    while (performance.now() - startAt < durationMs) {
      const ms = await caller.command(`cp${next++ % clients}`);
      if (ms !== undefined) latencies.record(ms);
      else await new Promise((resolve) => setTimeout(resolve, REFUSED_PAUSE_MS));
    }
  }));
  return latencies;
}
