/**
 * Who is at the other end of a connection.
 *
 * @module
 */

/** Whom a request to the backend is made for; the connection becomes headers. */
export interface Origin {
  readonly clientId: string;
  /** The connection's UUIDv7. */
  readonly connectionId: string;
  readonly protocol: string | null;
  readonly remoteAddress: string;
}

/** One client's connection, and which client it is. */
export interface Identity extends Origin {
  /** Milliseconds since 1970. */
  readonly connectedAt: number;
}

/** Who a client is, without what else its connection is. */
export function identityOf(client: Identity): Identity {
  const { clientId, connectionId, protocol, remoteAddress, connectedAt } = client;
  return { clientId, connectionId, protocol, remoteAddress, connectedAt };
}

/** How a connection is named in the log. */
export function namesOf(
  { clientId, connectionId }: Identity,
): { clientId: string; connectionId: string } {
  return { clientId, connectionId };
}
