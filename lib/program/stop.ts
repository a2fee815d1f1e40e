/**
 * The program's end, on time.
 *
 * @module
 */

import { type Clock, within } from "../clock.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { shutdownTimes } from "../gateway/shutdown_times.ts";
import type { Log } from "../log/log.ts";
import type { Outbox } from "../outbox/outbox.ts";
import type { Profiles } from "../profile/profile.ts";

export interface StopDeps {
  readonly gateway: Pick<Gateway, "shutdown" | "undelivered">;
  /** Undefined when nothing is profiled. */
  readonly profiles: Pick<Profiles, "stop"> | undefined;
  /** Closed last; what it keeps is delivered after the next start. */
  readonly outbox: Pick<Outbox, "close" | "isLasting">;
  readonly drainTimeoutMs: number;
  /** Whether spans are exported: what is left of them goes out at the process's very end. */
  readonly isTraced: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * The time that all of it gets less when spans are exported. The runtime exports what is left when the
 * process exits, and nothing can be done meanwhile: for a collector that hangs it waits for some three
 * times `OTEL_EXPORTER_OTLP_TIMEOUT`, which the start task sets to 300 ms.
 */
const EXPORT_MS = 500;

/**
 * Shuts the gateway down, and waits for that as long as the program promises to take at most: the drain
 * time-out and less than 2 s. Never rejects. The process should end behind it, whatever is left.
 */
export async function stopProgram(
  { gateway, profiles, outbox, drainTimeoutMs, isTraced, clock, log }: StopDeps,
): Promise<void> {
  const since = clock.now() - (isTraced ? EXPORT_MS : 0);
  const times = shutdownTimes(since, drainTimeoutMs);
  const until = (time: number): number => Math.max(0, time - clock.now());
  const ended = gateway.shutdown({
    since,
    beside: (timeoutMs) => profiles?.stop(timeoutMs) ?? Promise.resolve(),
  });
  const isInTime = await within(clock, ended, until(times.shutdown));
  if (!isInTime) log.error("the shutdown did not end in time");
  const reports = gateway.undelivered();
  await within(clock, outbox.close(), until(times.program));
  if (reports === 0) return;
  if (outbox.isLasting) log.info("undelivered reports stay in the outbox", { reports });
  else log.error("reports undelivered at the shutdown", { reports });
}
