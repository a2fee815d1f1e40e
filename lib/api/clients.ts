/**
 * `/clients`: who is connected.
 *
 * @module
 */

import type { Client } from "../cluster/bus.ts";
import type { Clients } from "../cluster/clients.ts";
import { decodeClientId } from "../codec/route.ts";
import { problem } from "../problem.ts";

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;

function describe(client: Client): Record<string, string | null> {
  return {
    id: client.clientId,
    protocol: client.protocol,
    remoteAddress: client.remoteAddress,
    connectedAt: new Date(client.connectedAt).toISOString(),
    connection: client.connectionId,
  };
}

/** `GET /clients?limit=100&after=ID`: one page, sorted by id. */
export async function listClients(request: Request, clients: Clients): Promise<Response> {
  const query = new URL(request.url).searchParams;
  const limitText = query.get("limit") ?? String(DEFAULT_LIMIT);
  const limit = /^\d{1,4}$/.test(limitText) ? Number(limitText) : 0;
  if (limit < 1 || limit > MAX_LIMIT) {
    return problem(400, `limit must be a whole number from 1 to ${MAX_LIMIT}`);
  }
  const page = await clients.page(query.get("after"), limit);
  return Response.json({ ...page, clients: page.clients.map(describe) });
}

/** `GET` and `DELETE /clients/<ClientId>`. */
export async function handleClient(
  request: Request,
  rawClientId: string,
  clients: Clients,
): Promise<Response> {
  const clientId = decodeClientId(rawClientId);
  if (clientId === undefined) return problem(400, "the path holds no ClientId");
  const kind = request.method === "DELETE" ? "close" : "describe";
  const reply = await clients.ask({ kind, clientId });
  switch (reply.kind) {
    case "client":
      return Response.json(describe(reply.client));
    case "accepted":
      return new Response(null, { status: 204 });
    default:
      return reply.kind === "refused" && reply.reason !== "gone"
        ? problem(503, "other instances cannot be reached", { "retry-after": "2" })
        : problem(404, "no such client is connected");
  }
}
