/**
 * A client comes and goes: who is told, and which of two connections stays.
 *
 * @module
 */

import { type Identity, namesOf } from "../identity.ts";
import type { Log } from "../log/log.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { NO_PROTOCOL } from "../metrics/families.ts";
import type { Departures } from "./departures.ts";
import type { Ending } from "./ending.ts";

/** A connection that is open. */
export interface Present extends Identity {
  /** The client has a newer one. */
  closeReplaced(): void;
}

export interface PresenceDeps<C extends Present> {
  /** Who is connected to this instance: a `ConnectionMap`. */
  readonly connections: {
    get(clientId: string): C | undefined;
    put(clientId: string, connection: C): void;
    remove(clientId: string, connection: C): void;
  };
  /** Told of each client that comes and goes. */
  readonly bus: { attach(client: Identity): void; detach(client: Identity): void };
  readonly metrics: Pick<Metrics, "opened" | "closed" | "connections">;
  /** Told of each client that goes. */
  readonly departures?: Pick<Departures, "note"> | undefined;
  readonly log: Log;
}

/** A connection has opened: it enters the map, and the one that it replaces is closed. */
export function enter<C extends Present>(
  { connections, bus, metrics, log }: PresenceDeps<C>,
  connection: C,
): void {
  const { clientId, protocol, remoteAddress } = connection;
  metrics.opened.add(1);
  metrics.connections[protocol ?? NO_PROTOCOL]?.add(1);
  log.info("client connected", { ...namesOf(connection), protocol, remoteAddress });
  const other = connections.get(clientId);
  // Its upgrade came later, but the backend let it in sooner.
  const isOlder = other !== undefined && other.connectionId > connection.connectionId;
  if (!isOlder) connections.put(clientId, connection);
  const replaced = isOlder ? connection : other;
  replaced?.closeReplaced();
  if (!isOlder) bus.attach(connection);
}

/** A connection that had entered has ended. */
export function leave<C extends Present>(
  { connections, bus, metrics, departures, log }: PresenceDeps<C>,
  connection: C,
  ending: Ending,
): void {
  const { code, reason, cause } = ending;
  connections.remove(connection.clientId, connection);
  bus.detach(connection);
  metrics.closed[cause].add(1);
  metrics.connections[connection.protocol ?? NO_PROTOCOL]?.add(-1);
  departures?.note(connection, ending);
  log.info("client disconnected", { ...namesOf(connection), cause, closeCode: code, reason });
}
