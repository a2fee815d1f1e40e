/**
 * The status page, and what it shows.
 *
 * @module
 */

import type { StatusPage } from "../api/resource.ts";
import { answerList, describe } from "../api/clients.ts";
import { accessTo, generalAccess, may } from "../api/may.ts";
import type { Clock } from "../clock.ts";
import type { Client } from "../cluster/bus.ts";
import type { Clients } from "../cluster/clients.ts";
import { Following } from "../cluster/following.ts";
import { decodeClientId } from "../codec/route.ts";
import type { Token } from "../config/token.ts";
import type { Log } from "../log/log.ts";
import type { RecentFaults } from "../log/recent_faults.ts";
import { problem, respond, respondJson } from "../problem.ts";
import type { Departures } from "../client/departures.ts";
import { EventStream, JsonText, type Write } from "./event_stream.ts";
import { GatewayStream, type GatewayStreamQuery, TAIL_TICK_MS, TICK_MS } from "./gateway_stream.ts";
import type { History } from "./history.ts";
import { InstancesLook } from "./instances.ts";
import { Ocpp, type OcppDeps } from "./ocpp.ts";
import type { Page } from "./page.ts";
import type { Snapshot } from "./snapshot.ts";
import { Tail } from "./tail.ts";
import type { HttpRequest } from "../request.ts";

export interface StatusDeps extends OcppDeps {
  readonly clients: Clients;
  readonly snapshot: () => Snapshot;
  readonly faults: RecentFaults;
  readonly departures: Departures;
  readonly history: History;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** The process's name among others; undefined without others. */
  readonly instance: string | undefined;
  readonly clock: Clock;
  readonly log: Pick<Log, "error">;
  /** The page asks for the token before it asks for anything else. */
  readonly needsToken: boolean;
  /** Where clients connect, beside the page: the port, null where it is the page's own, and the path. */
  readonly clientsAt: { readonly port: number | null; readonly path: string };
  /** Nobody may look at the frames of clients. */
  readonly noTail: boolean;
  readonly isShuttingDown: () => boolean;
}

/** All who look within such a time are told the same snapshot, which is taken and written once. */
const SNAPSHOT_AGE_MS = 400;
/** Readers at once, of each thread. */
const MAX_STREAMS = 16;
/** Each client's state is asked for where it is connected. */
const MAX_CLIENTS = 50;

/**
 * Owns the streams of those who look. While there are none, it does nothing.
 *
 * Always true: a stream is in the set from its beginning to its end, and the set is not larger than its bound.
 */
export class Status implements StatusPage {
  readonly #deps: StatusDeps;
  readonly #streams = new Set<EventStream>();
  readonly #instances: InstancesLook | undefined;
  readonly #ocpp: Ocpp;
  #page: Promise<Page> | undefined;
  #snapshot: JsonText | undefined;
  #snapshotAt = -Infinity;

  constructor(deps: StatusDeps) {
    this.#deps = deps;
    const { clients, clock, log, instance } = deps;
    this.#instances = instance === undefined
      ? undefined
      : new InstancesLook({ clients, clock, log, instance });
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

  /**
   * `GET /status/stream?tail=<ClientId>&payloads=1&run=<startedAt>&after=<ms>`: all that the page shows
   * by itself, and a client's frames; of the history of that run only what is later. That these may not be told is told as an event: the rest goes on.
   */
  stream(request: HttpRequest, token: Token): Response {
    const { searchParams } = new URL(request.url);
    const tail = this.#tailOf(searchParams, token);
    const asked = Number(searchParams.get("after") ?? "0");
    if (Number.isNaN(asked)) return problem(400, "after is no number of milliseconds");
    // Who has seen another run, or another instance, has seen nothing of this one.
    const after = searchParams.get("run") === String(this.#deps.startedAt) ? asked : 0;
    const { faults, departures, history, startedAt, clock } = this.#deps;
    const told = new GatewayStream({
      snapshot: () => this.#snapshotNow(),
      ...{ faults, departures, history, startedAt, clock, instances: this.#instances },
    }, { after, tail });
    const intervalMs = tail === undefined ? TICK_MS : TAIL_TICK_MS;
    return this.#open(intervalMs, (write) => told.tick(write));
  }

  #tailOf(query: URLSearchParams, token: Token): GatewayStreamQuery["tail"] {
    const clientId = query.get("tail");
    if (clientId === null) return undefined;
    // As in a path, which has them percent-encoded once more.
    if (!clientId.isWellFormed() || decodeClientId(encodeURIComponent(clientId)) === undefined) {
      return { reason: "no_client_id", detail: "tail is no ClientId" };
    }
    if (this.#deps.noTail) {
      return { reason: "no_tail", detail: "the gateway was started with --no-tail" };
    }
    const withPayloads = query.get("payloads") === "1";
    const missing = withPayloads ? may(token, { kind: "payloads", clientId }) : null;
    if (missing !== null) return { reason: "forbidden", detail: missing };
    const { clients, clock } = this.#deps;
    return new Tail(new Following(clients, clock, clientId, withPayloads));
  }

  #snapshotNow(): JsonText {
    const now = this.#deps.clock.now();
    if (this.#snapshot === undefined || now - this.#snapshotAt >= SNAPSHOT_AGE_MS) {
      this.#snapshot = new JsonText(JSON.stringify(this.#deps.snapshot()));
      this.#snapshotAt = now;
    }
    return this.#snapshot;
  }

  /** `GET /status/clients`, as `GET /clients`: clients with their state, in any order. */
  clients(request: HttpRequest): Promise<Response> {
    return answerList(request, this.#deps.clients, {
      limits: { normal: MAX_CLIENTS, most: MAX_CLIENTS },
      show: (client) => this.#withState(client),
      beside: { clientsAt: this.#deps.clientsAt },
    });
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

  /** `/status/ocpp/…`: what OCPP says of the CALLs that a CSMS sends. */
  ocpp(request: HttpRequest, segments: readonly string[]): Promise<Response> {
    return this.#ocpp.handle(request, segments);
  }

  /** Ends all streams. */
  close(): void {
    for (const stream of [...this.#streams]) stream.close();
  }

  #open(
    intervalMs: number,
    tick: (write: Write) => Promise<boolean> | boolean,
  ): Response {
    if (this.#deps.isShuttingDown()) {
      return problem(503, "the gateway is shutting down", { "retry-after": "5" });
    }
    if (this.#streams.size >= MAX_STREAMS) {
      return problem(503, "too many others are looking", { "retry-after": "10" });
    }
    const { clock, log } = this.#deps;
    const onFailure = (error: unknown) =>
      log.error("a status stream failed", { error: String(error) });
    const onEnd = () => void this.#streams.delete(stream);
    const stream: EventStream = new EventStream({ clock, intervalMs, tick, onEnd, onFailure });
    this.#streams.add(stream);
    return stream.response;
  }

  async #withState(client: Client) {
    const { clientId } = client;
    const reply = await this.#deps.clients.ask({ kind: "describe", clientId });
    // Without a state it has just gone, or its instance does not answer.
    return reply.kind === "client" ? describe(reply.client, reply.state) : describe(client);
  }
}
