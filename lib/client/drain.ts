/**
 * The end of all connections at a shutdown.
 *
 * @module
 */

import { type Clock, pause } from "../clock.ts";
import type { Random } from "../random.ts";
import type { Sockets } from "../socket/sockets.ts";
import type { Connection } from "./connection.ts";
import type { ConnectionMap } from "./map.ts";

/** From here on the closes are spread, so that the clients do not all come back at once. */
const SPREAD_FROM_CLIENTS = 1000;
const SPREAD_STEP_MS = 50;
const POLL_MS = 20;

/**
 * Closes all clients: each as soon as nothing of it is under way, at the time-out whatever is. More
 * than 1,000 go in random order, spread over half of the time.
 */
export async function drain(
  connections: ConnectionMap<Connection>,
  timeoutMs: number,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): Promise<void> {
  const all = connections.all();
  const deadline = clock.now() + timeoutMs;
  if (all.length > SPREAD_FROM_CLIENTS) {
    shuffle(all, random);
    const end = clock.now() + timeoutMs / 2;
    while (all.length > 0 && clock.now() < end) {
      const steps = Math.max(1, (end - clock.now()) / SPREAD_STEP_MS);
      for (const connection of all.splice(0, Math.ceil(all.length / steps))) {
        connection.closeWhenIdle();
      }
      await pause(clock, Math.min(SPREAD_STEP_MS, timeoutMs / 2));
    }
  }
  for (const connection of all) connection.closeWhenIdle();
  while (connections.size > 0 && clock.now() < deadline) await pause(clock, POLL_MS);
  for (const connection of connections.all()) connection.closeForShutdown();
}

/** Waits until the last socket is closed, and cuts what is left after `timeoutMs`. */
export async function allClosed(
  sockets: Sockets,
  timeoutMs: number,
  clock: Clock,
): Promise<void> {
  const deadline = clock.now() + timeoutMs;
  while (sockets.count > 0 && clock.now() < deadline) await pause(clock, POLL_MS);
  sockets.cutClosing();
}

function shuffle<T>(items: T[], random: Random): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(random.fraction() * (i + 1));
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
}
