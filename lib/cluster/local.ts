/**
 * The clients of this instance, as the API and other instances see them.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Backlog } from "../queue/backlog.ts";
import type { Connection } from "../client/connection.ts";
import type { ConnectionMap } from "../client/map.ts";
import type { Errand } from "../client/outgoing.ts";
import type { OutgoingCall } from "../client/pending.ts";
import { endByOutcome } from "../client/span.ts";
import type { Taps } from "../client/tap.ts";
import type { Histogram } from "../metrics/family.ts";
import type { CallSpan, Tracing } from "../trace/tracing.ts";
import type { Inspect } from "../validate/inspector.ts";
import {
  type CallNames,
  type Client,
  type ClientPage,
  type ClientReply,
  type ClientRequest,
  identityOf,
  type Peer,
  refused,
  type Witness,
} from "./bus.ts";
import { pageOf } from "./page.ts";

export interface LocalDeps {
  readonly connections: ConnectionMap<Connection>;
  readonly backlog: Backlog;
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

const ACCEPTED: ClientReply = { kind: "accepted" };

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
        return this.#call(connection, request, errand, span);
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

  /** The outcome goes to the backend. */
  #call(
    connection: Connection,
    { action, messageId, payload, trace: parent }: ClientRequest & { kind: "call" },
    errand: Errand | undefined,
    span: CallSpan | undefined,
  ): ClientReply {
    const trace = span?.context ?? parent;
    // Remembered before: a CALL may end while it is being taken. Whoever gave an errand remembers it.
    const forget = errand === undefined
      ? this.#deps.witness.accepted(connection, { action, messageId, trace })
      : () => {};
    const taken = connection.callForBackend({ action, messageId, payload, trace, span }, {
      isOurs() {
        if (errand?.isOurs() !== false) return true;
        forget();
        return false;
      },
      ended: () => {
        forget();
        errand?.ended();
      },
    });
    if (taken === "accepted") return ACCEPTED;
    forget();
    span?.end(taken);
    return refused(taken);
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
