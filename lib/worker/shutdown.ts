/**
 * The end of all workers.
 *
 * @module
 */

import { type Clock, within } from "../clock.ts";
import { type ShutdownOrder, shutdownTimes } from "../gateway/shutdown_times.ts";
import type { Log } from "../log/log.ts";
import type { Aftermath } from "./aftermath.ts";
import type { Death, Done } from "./message.ts";
import type { Slot } from "./slot.ts";

export interface WorkersEndDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly drainTimeoutMs: number;
  readonly aftermath: Pick<Aftermath, "whenDone" | "undelivered">;
  /** A worker is no more: what it owed is reported. */
  readonly bury: (slot: Slot, death: Death) => void;
}

/**
 * Ends all workers as a gateway ends, at the same time. One that does not end in time, because it
 * hangs, is ended, and what it owed is reported from here. Never rejects.
 *
 * @param clients How many all of them have: more than 1,000 are closed as those of one gateway.
 * @returns How many reports the backend has not taken.
 */
export async function shutDownWorkers(
  slots: readonly Slot[],
  clients: number,
  { since, beside }: ShutdownOrder,
  { clock, log, drainTimeoutMs, aftermath, bury }: WorkersEndDeps,
): Promise<number> {
  const now = clock.now();
  const times = shutdownTimes(since ?? now, drainTimeoutMs);
  const until = (time: number): number => Math.max(0, time - clock.now());
  const elapsedMs = now - (since ?? now);
  let undelivered = 0;
  const hanging = new Set<Slot>();
  const ends = slots.flatMap((slot) => {
    const { serving } = slot;
    if (serving === undefined) return [];
    hanging.add(slot);
    return serving.order({ kind: "shutdown", elapsedMs, clients }).then((done: Done) => {
      hanging.delete(slot);
      if (done.ok) undelivered += done.undelivered ?? 0;
    });
  });
  await within(clock, Promise.all(ends), until(times.workers));
  if (hanging.size > 0) {
    const workers = [...hanging].map(({ number }) => number).join(", ");
    log.error("workers did not end in time", { workers });
  }
  for (const slot of hanging) {
    slot.thread?.terminate();
    bury(slot, { message: "did not end in time", stack: "" });
  }
  await within(clock, aftermath.whenDone(), until(times.aftermath));
  await beside?.(until(times.aftermath));
  return undelivered + aftermath.undelivered;
}
