/**
 * `/clients`: who is connected.
 *
 * @module
 */

import { decodeClientId } from "../codec/route.ts";
import type { Connection } from "../connection/connection.ts";
import type { ConnectionMap } from "../connection/map.ts";
import { problem } from "../problem.ts";

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;

function describe(connection: Connection): Record<string, string | null> {
  return {
    id: connection.clientId,
    protocol: connection.protocol,
    remoteAddress: connection.remoteAddress,
    connectedAt: new Date(connection.connectedAt).toISOString(),
    connection: connection.connectionId,
  };
}

/** `GET /clients?limit=100&after=ID`: one page, sorted by id. */
export function listClients(request: Request, connections: ConnectionMap<Connection>): Response {
  const query = new URL(request.url).searchParams;
  const limitText = query.get("limit") ?? String(DEFAULT_LIMIT);
  const limit = /^\d{1,4}$/.test(limitText) ? Number(limitText) : 0;
  if (limit < 1 || limit > MAX_LIMIT) {
    return problem(400, `limit must be a whole number from 1 to ${MAX_LIMIT}`);
  }
  const page = connections.page(query.get("after") ?? undefined, limit);
  return Response.json({
    total: connections.size,
    clients: page.connections.map(describe),
    next: page.next,
  });
}

/** `GET` and `DELETE /clients/<ClientId>`. */
export function handleClient(
  request: Request,
  rawClientId: string,
  connections: ConnectionMap<Connection>,
): Response {
  const clientId = decodeClientId(rawClientId);
  if (clientId === undefined) return problem(400, "the path holds no ClientId");
  const connection = connections.get(clientId);
  if (connection === undefined) return problem(404, "no such client is connected");
  if (request.method !== "DELETE") return Response.json(describe(connection));
  connection.closeByOperator();
  return new Response(null, { status: 204 });
}
