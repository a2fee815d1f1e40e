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
/** Closes in one turn of the event loop: what they cause must be done in between, and time be heeded. */
const CLOSES_IN_A_TURN = 200;

/** The limits of a drain; times by the clock's `now()`. */
export interface DrainLimits {
  /** What is under way then is ended. */
  readonly until: number;
  /** Whoever is not closed by then is left as it is. */
  readonly giveUp: number;
  /** Clients that are closed together, over all threads of the process. */
  readonly clients: number;
}

/** The part of a connection that ends it. */
type Closing = Pick<Connection, "closeWhenIdle" | "closeForShutdown">;

/**
 * Closes all clients: each as soon as nothing of it is under way, at the time-out whatever is. When the
 * process has more than 1,000 they go in random order, spread over half of the time.
 */
export async function drain(
  connections: Pick<ConnectionMap<Closing>, "all" | "size">,
  { until: deadline, giveUp, clients }: DrainLimits,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): Promise<void> {
  const all = connections.all();
  const halfMs = Math.max(0, deadline - clock.now()) / 2;
  if (clients > SPREAD_FROM_CLIENTS) {
    shuffle(all, random);
    const end = clock.now() + halfMs;
    while (all.length > 0 && clock.now() < end) {
      const steps = Math.max(1, (end - clock.now()) / SPREAD_STEP_MS);
      for (const connection of all.splice(0, Math.ceil(all.length / steps))) {
        connection.closeWhenIdle();
      }
      await pause(clock, Math.min(SPREAD_STEP_MS, halfMs));
    }
  }
  await inTurns(all, clock, deadline, (connection) => connection.closeWhenIdle());
  while (connections.size > 0 && clock.now() < deadline) await pause(clock, POLL_MS);
  await inTurns(connections.all(), clock, giveUp, (connection) => connection.closeForShutdown());
}

/** Does it for each of them, but begins no further turn of the event loop at the deadline. */
async function inTurns<T>(
  items: readonly T[],
  clock: Clock,
  deadline: number,
  each: (item: T) => void,
): Promise<void> {
  for (let from = 0; from < items.length; from += CLOSES_IN_A_TURN) {
    if (from > 0) {
      await new Promise<void>((resolve) => clock.setImmediate(resolve));
      if (clock.now() >= deadline) return;
    }
    for (const item of items.slice(from, from + CLOSES_IN_A_TURN)) each(item);
  }
}

/** Waits until the last socket is closed, and cuts what is left at the deadline. */
export async function allClosed(
  sockets: Pick<Sockets, "count" | "cutClosing">,
  deadline: number,
  clock: Clock,
): Promise<void> {
  while (sockets.count > 0 && clock.now() < deadline) await pause(clock, POLL_MS);
  sockets.cutClosing();
}

function shuffle<T>(items: T[], random: Random): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(random.fraction() * (i + 1));
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
}
