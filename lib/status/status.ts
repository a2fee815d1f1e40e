/**
 * The status page, and what it shows.
 *
 * @module
 */

import type { StatusPage } from "../api/resource.ts";
import { describe, readPageQuery } from "../api/clients.ts";
import { accessTo, generalAccess, may } from "../api/may.ts";
import type { Clock } from "../clock.ts";
import type { Client } from "../cluster/bus.ts";
import type { Clients } from "../cluster/clients.ts";
import { decodeClientId } from "../codec/route.ts";
import type { Token } from "../config/token.ts";
import type { Log } from "../log/log.ts";
import type { FaultCursor, RecentFaults } from "../log/recent_faults.ts";
import { problem, respond, respondJson } from "../problem.ts";
import { EventStream } from "./event_stream.ts";
import { type BodyBounds, Ocpp } from "./ocpp.ts";
import type { Page } from "./page.ts";
import type { Snapshot } from "./snapshot.ts";
import { Tail } from "./tail.ts";
import type { HttpRequest } from "../request.ts";

export interface StatusDeps {
  readonly clients: Clients;
  readonly snapshot: () => Snapshot;
  readonly faults: RecentFaults;
  readonly clock: Clock;
  readonly log: Pick<Log, "error">;
  /** The page asks for the token before it asks for anything else. */
  readonly needsToken: boolean;
  /** Nobody may look at the frames of clients. */
  readonly noTail: boolean;
  readonly isShuttingDown: () => boolean;
  /** Actions whose payloads are not checked. */
  readonly allowedActions: ReadonlySet<string>;
}

const SNAPSHOT_MS = 1000;
const TAIL_MS = 500;
/** Readers at once, of each thread. */
const MAX_STREAMS = 16;
const MAX_TAILS = 8;
/** Each client's state is asked for where it is connected. */
const MAX_CLIENTS = 50;

/**
 * Owns the streams of those who look. While there are none, it does nothing.
 *
 * Always true: a stream is in its set from its beginning to its end, and no set is larger than its bound.
 */
export class Status implements StatusPage {
  readonly #deps: StatusDeps;
  readonly #streams = new Set<EventStream>();
  readonly #tails = new Set<EventStream>();
  readonly #ocpp: Ocpp;
  #page: Promise<Page> | undefined;

  constructor(deps: StatusDeps) {
    this.#deps = deps;
    this.#ocpp = new Ocpp(deps);
  }

  /** `GET /` for a browser: one document, without any data. */
  async page(): Promise<Response> {
    this.#page ??= import("./page.ts").then(({ createPage }) => createPage(this.#deps.needsToken));
    try {
      const { html, headers } = await this.#page;
      return respond(html, 200, headers);
    } catch (error) {
      // The next one tries again.
      this.#page = undefined;
      throw error;
    }
  }

  /** `GET /status/stream`: a `snapshot` each second, and `faults` when there are new ones. */
  stream(): Response {
    const { snapshot, faults } = this.#deps;
    let cursor: FaultCursor = [];
    return this.#open(this.#streams, MAX_STREAMS, SNAPSHOT_MS, (write) => {
      const news = faults.since(cursor);
      cursor = news.cursor;
      write("snapshot", snapshot());
      if (news.faults.length > 0) write("faults", news.faults);
      return true;
    });
  }

  /** `GET /status/clients?search=TEXT&after=ID&limit=50`: clients with their state. */
  async clients(request: HttpRequest): Promise<Response> {
    const query = readPageQuery(request, MAX_CLIENTS, MAX_CLIENTS);
    if (query instanceof Response) return query;
    const page = await this.#deps.clients.page(query.after, query.limit, query.search);
    const clients = await Promise.all(page.clients.map((client) => this.#withState(client)));
    return respondJson({ ...page, clients }, { "cache-control": "no-store" });
  }

  /**
   * `GET /status/access/<ClientId>`: what the token may do with a client, for the page's buttons, and
   * `GET /status/access`: what it may do besides.
   */
  access(rawClientId: string | null, token: Token): Response {
    const headers = { "cache-control": "no-store" };
    if (rawClientId === null) return respondJson(generalAccess(token), headers);
    const clientId = decodeClientId(rawClientId);
    if (clientId === undefined) return problem(400, "the path holds no ClientId");
    return respondJson(accessTo(token, clientId), headers);
  }

  /** `GET /status/tail/<ClientId>?payloads=1`: the frames of a client as they pass. */
  tail(request: HttpRequest, rawClientId: string, token: Token): Response {
    const { clients, noTail } = this.#deps;
    if (noTail) return problem(403, "the gateway was started with --no-tail");
    const clientId = decodeClientId(rawClientId);
    if (clientId === undefined) return problem(400, "the path holds no ClientId");
    const withPayloads = new URL(request.url).searchParams.get("payloads") === "1";
    const missing = withPayloads ? may(token, { kind: "payloads", clientId }) : null;
    if (missing !== null) return problem(403, missing);
    const tail = new Tail(clients, clientId, withPayloads);
    return this.#open(this.#tails, MAX_TAILS, TAIL_MS, (write) => tail.tell(write));
  }

  /** `/status/ocpp/…`: what OCPP says of the CALLs that a CSMS sends. */
  ocpp(request: HttpRequest, segments: readonly string[], bounds: BodyBounds): Promise<Response> {
    return this.#ocpp.handle(request, segments, bounds);
  }

  /** Ends all streams. */
  close(): void {
    for (const stream of [...this.#streams, ...this.#tails]) stream.close();
  }

  #open(
    streams: Set<EventStream>,
    max: number,
    intervalMs: number,
    tick: (write: (event: string, data: unknown) => void) => Promise<boolean> | boolean,
  ): Response {
    if (this.#deps.isShuttingDown()) {
      return problem(503, "the gateway is shutting down", { "retry-after": "5" });
    }
    if (streams.size >= max) {
      return problem(503, "too many others are looking", { "retry-after": "10" });
    }
    const { clock, log } = this.#deps;
    const onFailure = (error: unknown) =>
      log.error("a status stream failed", { error: String(error) });
    const onEnd = () => void streams.delete(stream);
    const stream: EventStream = new EventStream({ clock, intervalMs, tick, onEnd, onFailure });
    streams.add(stream);
    return stream.response;
  }

  async #withState(client: Client) {
    const { clientId } = client;
    const reply = await this.#deps.clients.ask({ kind: "describe", clientId });
    // Without a state it has just gone, or its instance does not answer.
    return reply.kind === "client" ? describe(reply.client, reply.state) : describe(client);
  }
}
