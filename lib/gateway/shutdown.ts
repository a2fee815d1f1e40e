/**
 * The end of a gateway, in its order.
 *
 * @module
 */

import { allClosed, drain } from "../client/drain.ts";
import { within } from "../clock.ts";
import type { Listener } from "../listener/listener.ts";
import type { Status } from "../status/status.ts";
import type { ClientSide } from "./client_side.ts";
import type { Core } from "./core.ts";

/** How long the last frames and responses may take to leave. */
const FAREWELL_MS = 2000;

/** What ends. */
export interface Running {
  readonly core: Core;
  readonly clientSide: ClientSide;
  readonly status: Status;
  readonly listeners: readonly Listener[];
}

/**
 * Finishes what is under way within the drain time-out, ends the CALLs still outstanding, closes all
 * clients with 1001 and stops listening. New work must be refused by now. Never rejects.
 */
export async function shutDown(
  { core, clientSide, status, listeners }: Running,
  drainTimeoutMs: number,
): Promise<void> {
  const { clock, log, connections, backlog, deliveries } = core;
  const allDone = () => Promise.all([backlog.whenEmpty(), deliveries.whenEmpty()]);
  const since = clock.now();
  status.close();
  log.info("shutting down", {
    clients: connections.size,
    waiting: backlog.count + deliveries.waiting,
  });
  clientSide.rate?.stop();
  await drain(connections, drainTimeoutMs, core);
  // What ended just now still has to reach the backend.
  const flushMs = Math.max(drainTimeoutMs, FAREWELL_MS);
  const isFlushed = await within(clock, allDone(), flushMs);
  const waiting = backlog.count + deliveries.waiting;
  if (!isFlushed) log.error("messages lost at the shutdown", { waiting });
  await allClosed(clientSide.sockets, FAREWELL_MS, clock);
  await clientSide.bus.close();
  // The last to open were closed just now, and the backend is told of that too.
  await within(clock, allDone(), FAREWELL_MS);
  await Promise.all(listeners.map((listener) => listener.stop(FAREWELL_MS)));
  core.memory.stop();
  core.lag.stop();
  core.taps?.close();
  deliveries.close();
  core.forwarder.close();
  log.info("shut down", { durationMs: Math.round(clock.now() - since) });
}
