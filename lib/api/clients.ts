/**
 * `/clients`: who is connected.
 *
 * @module
 */

import type { Client } from "../cluster/bus.ts";
import type { ConnectionState } from "../client/connection_state.ts";
import type { Clients } from "../cluster/clients.ts";
import type { ListedClient, Sort } from "../cluster/list.ts";
import { decodeClientId } from "../codec/route.ts";
import type { HttpRequest } from "../request.ts";
import { problem, respond, respondJson } from "../problem.ts";
import type { Token } from "../config/token.ts";
import { cursorText, isPlain, readClientQuery } from "./client_query.ts";
import { may } from "./may.ts";

const LIMITS = { normal: 100, most: 1000 };

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
    ...(state && stateShown(state)),
  };
}

function stateShown({ lastActivityAt, heardAt, ...counts }: ConnectionState) {
  return {
    lastActivityAt: timeShown(lastActivityAt),
    ...(heardAt !== undefined && { heardAt: heardAt === null ? null : timeShown(heardAt) }),
    ...counts,
  };
}

function timeShown(ms: number): string {
  return new Date(ms).toISOString();
}

/** What a page of the list is made of, beside its query. */
export interface ListOptions {
  /** How long a page is when nothing is said of it, and at most. */
  readonly limits: { readonly normal: number; readonly most: number };
  /** Shows a client of the plain list, which comes without its state. */
  readonly show: (client: Client) => Shown | Promise<Shown>;
  /** What is told besides. */
  readonly beside?: object;
}

type Shown = ReturnType<typeof describe>;

/**
 * `GET /clients?sort=-errors&filter=silent:10m&search=TEXT&limit=100&after=ID`: one page. In other orders
 * than by id, and of some clients only, they come with their state.
 */
export function listClients(request: HttpRequest, clients: Clients): Promise<Response> {
  return answerList(request, clients, { limits: LIMITS, show: (client) => describe(client) });
}

/** The same for whoever says how long a page is, and what the plain list shows. */
export async function answerList(
  { url }: HttpRequest,
  clients: Clients,
  { limits, show, beside }: ListOptions,
): Promise<Response> {
  const read = readClientQuery(new URL(url).searchParams, limits);
  if ("wrong" in read) return problem(400, read.wrong);
  const { query } = read;
  const headers = { "cache-control": "no-store" };
  if (isPlain(query)) {
    const page = await clients.page(query.after?.id ?? null, query.limit, query.search);
    const { total, next, isComplete } = page;
    const shown = await Promise.all(page.clients.map(show));
    return respondJson(
      { total, clients: shown, next, ...incomplete(isComplete), ...beside },
      headers,
    );
  }
  const page = await clients.list(query);
  const { sort } = query;
  return respondJson({
    total: page.total,
    clients: page.rows.map((row) => describeListed(row, sort)),
    next: cursorText(page.next, sort),
    ...incomplete(page.isComplete),
    ...beside,
  }, headers);
}

function incomplete(isComplete: boolean): { incomplete?: true } {
  return isComplete ? {} : { incomplete: true };
}

function describeListed(
  { client, state, endedAt, instance, rank }: ListedClient,
  sort: Sort,
): Shown {
  return {
    ...describe(client, state ?? undefined),
    ...(instance !== null && { instance }),
    ...(sort === "messages" && { messagesPerSecond: rank }),
    ...(sort === "ends" && { ends: rank }),
    ...(endedAt !== null && { endedAt: timeShown(endedAt) }),
  };
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
