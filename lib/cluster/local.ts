/**
 * The clients of this instance, as the API and other instances see them.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Backlog } from "../queue/backlog.ts";
import type { Connection } from "../client/connection.ts";
import type { ConnectionMap } from "../client/map.ts";
import type { Errand, Taken } from "../client/outgoing.ts";
import type { OutgoingCall } from "../client/pending.ts";
import { endByOutcome } from "../client/span.ts";
import type { Taps } from "../client/tap.ts";
import type { Histogram } from "../metrics/family.ts";
import type { CallSpan, Tracing } from "../trace/tracing.ts";
import type { TimeOrderedIds } from "../ids.ts";
import type { Deliveries, Reserved } from "../report/deliveries.ts";
import type { Inspect } from "../validate/inspector.ts";
import {
  type CallNames,
  type Client,
  type ClientPage,
  type ClientReply,
  type ClientRequest,
  identityOf,
  type Peer,
  type Refusal,
  refused,
  type Witness,
} from "./bus.ts";
import { pageOf } from "./page.ts";

export interface LocalDeps {
  readonly connections: ConnectionMap<Connection>;
  readonly backlog: Backlog;
  readonly deliveries: Pick<Deliveries, "accept" | "giveUp">;
  /** Names the reports of CALLs that have no name yet. */
  readonly ids: Pick<TimeOrderedIds, "next">;
  readonly clock: Clock;
  readonly isShuttingDown: () => boolean;
  /** Where the time from a CALL's acceptance to its outcome is counted. */
  readonly apiCallSeconds: Pick<Histogram, "observe">;
  /** Checks payloads against their schemas; undefined when nothing is checked. */
  readonly inspect?: Inspect | undefined;
  readonly witness: Witness;
  /** Whom the backend need not be asked about. */
  readonly verdicts?: { forget(clientId: string | null): void } | undefined;
  /** Without it nobody may look at the frames of clients. */
  readonly taps?: Taps | undefined;
  /** Tells the backend of a CALL that ended elsewhere without an outcome. */
  readonly reportLost: (client: Client, call: CallNames) => void;
  /** Undefined when nothing is traced. */
  readonly tracing?: Tracing | undefined;
}

type CallRequest = ClientRequest & { readonly kind: "call" };

const ACCEPTED: ClientReply = { kind: "accepted" };

/** A CALL is not taken. */
function refuse(reason: Refusal, span: CallSpan | undefined): ClientReply {
  span?.end(reason);
  return refused(reason);
}

/** Serves requests for the clients that are connected to this instance. */
export class LocalClients implements Peer {
  readonly #deps: LocalDeps;

  constructor(deps: LocalDeps) {
    this.#deps = deps;
  }

  find(clientId: string): Client | undefined {
    return this.#deps.connections.get(clientId);
  }

  replaced(clientId: string, connectionId: string): void {
    const connection = this.#deps.connections.get(clientId);
    if (connection !== undefined && connection.connectionId < connectionId) {
      connection.closeReplaced();
    }
  }

  lost(client: Client, call: CallNames): void {
    this.#deps.reportLost(client, call);
  }

  forget(clientId: string | null): void {
    this.#deps.verdicts?.forget(clientId);
  }

  page(after: string | null, limit: number, search?: string): ClientPage {
    return pageOf(this.#deps.connections, after, limit, search);
  }

  async serve(request: ClientRequest, errand?: Errand): Promise<ClientReply> {
    const connection = this.#deps.connections.get(request.clientId);
    if (connection === undefined) return refused("gone");
    switch (request.kind) {
      case "describe":
        return { kind: "client", client: identityOf(connection), state: connection.state };
      case "tail": {
        const { taps } = this.#deps;
        if (taps === undefined) return refused("no_tail");
        const reading = taps.read(connection, request.since, request.withPayloads);
        if (reading === undefined) return refused("overloaded");
        return { kind: "frames", connectionId: connection.connectionId, ...reading };
      }
      case "close":
        connection.closeByOperator();
        return ACCEPTED;
      case "send": {
        if (this.#deps.isShuttingDown()) return refused("shutting_down");
        if (connection.protocol !== "ocpp2.1") return refused("no_send");
        const invalid = this.#inspect(connection, request);
        if (invalid !== undefined) return invalid;
        return connection.send(request.messageId, request.action, request.payload)
          ? ACCEPTED
          : refused("gone");
      }
      case "call": {
        if (this.#deps.isShuttingDown()) return refused("shutting_down");
        if (this.#deps.backlog.isFull) return refused("overloaded");
        const invalid = this.#inspect(connection, request);
        if (invalid !== undefined) return invalid;
        const span = this.#begin(connection, request);
        if (request.waitSeconds !== null) {
          return await this.#wait(connection, request, request.waitSeconds, span);
        }
        return this.#accept(connection, request, errand, span);
      }
    }
  }

  #inspect(
    connection: Connection,
    request: ClientRequest & { kind: "call" | "send" },
  ): ClientReply | undefined {
    const { kind: type, action, messageId, payload } = request;
    const frame = { direction: "out", type, action, messageId, payload } as const;
    const violation = this.#deps.inspect?.(connection, frame);
    return violation && { kind: "invalid", violation };
  }

  #begin(client: Client, request: ClientRequest & { kind: "call" }): CallSpan | undefined {
    const { kind, action, messageId, trace } = request;
    return this.#deps.tracing?.toClient({ kind, action, messageId, client }, trace);
  }

  /**
   * The outcome goes to the backend: it gets a place, and the CALL is kept, before it is taken. No promise
   * is made of a CALL that is kept at once.
   */
  #accept(
    connection: Connection,
    request: CallRequest,
    errand: Errand | undefined,
    span: CallSpan | undefined,
  ): ClientReply | Promise<ClientReply> {
    const { deliveries, ids, clock, witness } = this.#deps;
    const { clientId, action, messageId } = request;
    const early = connection.refusalOf(messageId);
    if (early !== null) return refuse(early, span);
    const trace = span?.context ?? request.trace;
    const id = request.id ?? ids.next();
    // Before all else: a CALL may end while it is being taken, and this is in the turn of the request that
    // it is for. Whoever gave an errand remembers it.
    const forget = errand === undefined
      ? witness.accepted(connection, { action, messageId, trace, id })
      : () => {};
    const take = (reserved: Reserved): ClientReply => {
      if (reserved === "kept") {
        // The client may have another connection by now.
        const holder = this.#deps.connections.get(clientId);
        const taken = holder === undefined
          ? "gone"
          : this.#call(holder, { ...request, id, trace }, errand, span, forget);
        if (taken === "accepted") return ACCEPTED;
        deliveries.giveUp(id);
        forget();
        return refuse(this.#deps.isShuttingDown() ? "shutting_down" : taken, span);
      }
      forget();
      return refuse(reserved, span);
    };
    let reply: ClientReply | undefined;
    let resolve: ((reply: ClientReply) => void) | undefined;
    const call = { id, client: connection, action, messageId, trace, acceptedAt: clock.wallNow() };
    deliveries.accept(call, (reserved) => {
      reply = take(reserved);
      resolve?.(reply);
    });
    return reply ?? new Promise((later) => resolve = later);
  }

  #call(
    connection: Connection,
    { action, messageId, payload, trace, id }: CallRequest & { readonly id: string },
    errand: Errand | undefined,
    span: CallSpan | undefined,
    forget: () => void,
  ): Taken {
    const { deliveries } = this.#deps;
    return connection.callForBackend({ id, action, messageId, payload, trace, span }, {
      isOurs() {
        if (errand?.isOurs() !== false) return true;
        forget();
        deliveries.giveUp(id);
        return false;
      },
      ended() {
        forget();
        errand?.ended();
      },
    });
  }

  /** The outcome is the answer. */
  #wait(
    connection: Connection,
    { action, messageId, payload }: ClientRequest & { kind: "call" },
    seconds: number,
    span: CallSpan | undefined,
  ): Promise<ClientReply> {
    const { clock, apiCallSeconds } = this.#deps;
    const since = clock.now();
    return new Promise((resolve) => {
      const timer = clock.setTimeout(() => {
        apiCallSeconds.observe((clock.now() - since) / 1000);
        span?.end("no_answer");
        resolve({ kind: "no_answer", wasSent: connection.abandon(call) });
      }, seconds * 1000);
      const call: OutgoingCall = {
        action,
        messageId,
        payload,
        onOutcome(outcome) {
          clock.clearTimeout(timer);
          apiCallSeconds.observe((clock.now() - since) / 1000);
          if (span !== undefined) endByOutcome(span, outcome);
          resolve({ kind: "outcome", outcome });
        },
      };
      const taken = connection.call(call);
      if (taken === "accepted") return;
      clock.clearTimeout(timer);
      span?.end(taken);
      resolve(refused(taken));
    });
  }
}
