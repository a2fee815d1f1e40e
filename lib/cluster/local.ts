/**
 * The clients of this instance, as the API and other instances see them.
 *
 * @module
 */

import type { Backlog } from "../queue/backlog.ts";
import type { Connection } from "../client/connection.ts";
import type { Errand } from "../client/outgoing.ts";
import type { Taps } from "../client/tap.ts";
import type { Deliveries } from "../report/deliveries.ts";
import { lostReport } from "../report/report.ts";
import type { Inspect } from "../validate/inspector.ts";
import {
  type CallNames,
  type Client,
  type ClientReply,
  type ClientRequest,
  identityOf,
  type Peer,
  refused,
} from "./bus.ts";
import { LocalCalls, type LocalCallsDeps } from "./local_calls.ts";
import { ownAnswer } from "./own_answer.ts";
import {
  type Answers,
  emptyOutbox,
  type InstanceState,
  type OutboxView,
  type QuestionKind,
  type QuestionOf,
} from "./survey.ts";

export interface LocalDeps extends LocalCallsDeps {
  readonly backlog: Backlog;
  /** Checks payloads against their schemas; undefined when nothing is checked. */
  readonly inspect?: Inspect | undefined;
  /** Whom the backend need not be asked about. */
  readonly verdicts?: { forget(clientId: string | null): void } | undefined;
  /** Without it nobody may look at the frames of clients. */
  readonly taps?: Taps | undefined;
  /** The reports of this thread; none without. */
  readonly outbox?: OutboxView | undefined;
  /** How this process does among others; null without others. */
  readonly instance?: (() => InstanceState | null) | undefined;
  readonly deliveries: Pick<Deliveries, "accept" | "giveUp" | "isLasting" | "deliver">;
}

const ACCEPTED: ClientReply = { kind: "accepted" };

/** Serves requests for the clients that are connected to this instance. */
export class LocalClients implements Peer {
  readonly #deps: LocalDeps;
  readonly #calls: LocalCalls;

  constructor(deps: LocalDeps) {
    this.#deps = deps;
    this.#calls = new LocalCalls(deps);
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

  /** A CALL was accepted here for a client elsewhere, and that instance has gone. */
  lost(client: Client, call: CallNames): void {
    const { records, deliveries, ids } = this.#deps;
    const { id = ids.next() } = call;
    records.lost(client, { ...call, id });
    deliveries.deliver(client, lostReport(call, client.protocol), {
      id,
      told: (state) => records.settle(id, state),
    });
  }

  forget(clientId: string | null): void {
    this.#deps.verdicts?.forget(clientId);
  }

  answerTo<K extends QuestionKind>(question: QuestionOf<K>): Answers[K] {
    const { connections, records, keys, outbox = emptyOutbox, instance } = this.#deps;
    return ownAnswer(question, { connections, records, keys, outbox, instance });
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
        return await this.#calls.serve(connection, request, errand);
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
}
