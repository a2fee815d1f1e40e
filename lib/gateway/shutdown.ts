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
import { type ShutdownOrder, shutdownTimes } from "./shutdown_times.ts";

/** How long clients may take to answer the close frame, and readers to take their responses. */
const PATIENCE_MS = 2000;

/** What ends. */
export interface Running {
  readonly core: Core;
  readonly clientSide: Pick<ClientSide, "rate" | "sockets" | "bus" | "records" | "keys">;
  readonly status: Pick<Status, "close">;
  readonly listeners: readonly Pick<Listener, "stop">[];
}

/**
 * Finishes what is under way within the drain time-out, ends the CALLs still outstanding, closes all
 * clients with 1001 and stops listening. New work must be refused by now. Never rejects.
 *
 * There is one deadline for each part, from the beginning on, and no part waits for another to begin:
 * reports, close handshakes and responses are all on their way from the drain's end on, and are only
 * waited for one after the other.
 */
export async function shutDown(
  { core, clientSide, status, listeners }: Running,
  drainTimeoutMs: number,
  order: ShutdownOrder = {},
): Promise<void> {
  const { clock, log, connections, backlog, deliveries } = core;
  const allDone = () => Promise.all([backlog.whenEmpty(), deliveries.whenEmpty()]);
  const { since = clock.now(), clients = connections.size } = order;
  const times = shutdownTimes(since, drainTimeoutMs);
  const until = (time: number): number => Math.max(0, time - clock.now());
  const atMost = (time: number): number => Math.min(time, clock.now() + PATIENCE_MS);
  status.close();
  log.info("shutting down", {
    clients: connections.size,
    waiting: backlog.count + deliveries.waiting,
  });
  clientSide.rate?.stop();
  core.endHold(drainTimeoutMs / 2);
  await drain(connections, { until: times.drain, giveUp: times.farewell, clients }, core);
  const beside = order.beside?.(until(times.leave));
  await allClosed(clientSide.sockets, atMost(times.farewell), clock);
  await within(clock, allDone(), until(times.farewell));
  // Not before: who is told that this instance has gone reports what it owes.
  await clientSide.bus.close(until(times.leave));
  await Promise.all(listeners.map((listener) => listener.stop(until(atMost(times.gateway)))));
  await beside;
  core.memory.stop();
  core.lag.stop();
  core.historyWatch?.stop();
  core.taps?.close();
  deliveries.close();
  clientSide.records.close();
  clientSide.keys.close();
  core.forwarder.close();
  log.info("shut down", { durationMs: Math.round(clock.now() - since) });
}
