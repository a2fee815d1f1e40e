/**
 * `/clients`: who is connected.
 *
 * @module
 */

import type { Client } from "../cluster/bus.ts";
import type { ConnectionState } from "../client/client_work.ts";
import type { Clients } from "../cluster/clients.ts";
import { decodeClientId } from "../codec/route.ts";
import type { HttpRequest } from "../request.ts";
import { problem, respond, respondJson } from "../problem.ts";
import type { Token } from "../config/token.ts";
import { may } from "./may.ts";

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;
/** No ClientId is longer. */
const MAX_SEARCH_CHARS = 255;

/** A client as the API shows it. */
export function describe(
  client: Client,
  state?: ConnectionState,
): Record<string, string | number | null> {
  return {
    id: client.clientId,
    protocol: client.protocol,
    remoteAddress: client.remoteAddress,
    connectedAt: new Date(client.connectedAt).toISOString(),
    connection: client.connectionId,
    ...(state && { ...state, lastActivityAt: new Date(state.lastActivityAt).toISOString() }),
  };
}

/** Which page of the clients is asked for. */
export interface PageQuery {
  readonly after: string | null;
  readonly limit: number;
  readonly search: string | undefined;
}

/**
 * Reads `?search=TEXT&after=ID&limit=N`.
 *
 * @returns The query, or the problem with it.
 */
export function readPageQuery(
  request: HttpRequest,
  defaultLimit: number,
  maxLimit: number,
): PageQuery | Response {
  const query = new URL(request.url).searchParams;
  const limitText = query.get("limit") ?? String(defaultLimit);
  const limit = /^\d{1,4}$/.test(limitText) ? Number(limitText) : 0;
  if (limit < 1 || limit > maxLimit) {
    return problem(400, `limit must be a whole number from 1 to ${maxLimit}`);
  }
  const search = query.get("search") ?? undefined;
  if (search !== undefined && search.length > MAX_SEARCH_CHARS) {
    return problem(400, `search must not be longer than ${MAX_SEARCH_CHARS} characters`);
  }
  return { after: query.get("after"), limit, search };
}

/** `GET /clients?limit=100&after=ID&search=TEXT`: one page, sorted by id. */
export async function listClients(request: HttpRequest, clients: Clients): Promise<Response> {
  const query = readPageQuery(request, DEFAULT_LIMIT, MAX_LIMIT);
  if (query instanceof Response) return query;
  const page = await clients.page(query.after, query.limit, query.search);
  return respondJson({ ...page, clients: page.clients.map((client) => describe(client)) });
}

/** `GET` and `DELETE /clients/<ClientId>`. */
export async function handleClient(
  request: HttpRequest,
  rawClientId: string,
  clients: Clients,
  token: Token,
): Promise<Response> {
  const clientId = decodeClientId(rawClientId);
  if (clientId === undefined) return problem(400, "the path holds no ClientId");
  if (request.method === "DELETE") {
    const missing = may(token, { kind: "disconnect", clientId });
    if (missing !== null) return problem(403, missing);
  }
  const kind = request.method === "DELETE" ? "close" : "describe";
  const reply = await clients.ask({ kind, clientId });
  switch (reply.kind) {
    case "client":
      return respondJson(describe(reply.client, reply.state));
    case "accepted":
      return respond(null, 204);
    default:
      return reply.kind === "refused" && reply.reason !== "gone"
        ? problem(503, "other instances cannot be reached", { "retry-after": "2" })
        : problem(404, "no such client is connected");
  }
}
