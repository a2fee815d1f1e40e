/**
 * What this machine's disk takes for a small write that is to last.
 *
 * @module
 */

import { join } from "node:path";
import { Latencies } from "../load/latencies.ts";

const BYTES = 4096;

/** Writes one block after the other to a file in `folder`, and waits for the disk each time. */
export async function syncTimes(folder: string, count: number): Promise<Latencies> {
  const name = join(folder, "sync-times");
  const block = new Uint8Array(BYTES);
  const latencies = new Latencies();
  const file = await Deno.open(name, { create: true, write: true, truncate: true });
  try {
    for (let i = 0; i < count; i++) {
      const startAt = performance.now();
      file.writeSync(block);
      file.syncDataSync();
      latencies.record(performance.now() - startAt);
    }
  } finally {
    file.close();
    await Deno.remove(name);
  }
  return latencies;
}
