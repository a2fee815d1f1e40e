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
  type ClientReply,
  type ClientRequest,
  identityOf,
  type Peer,
  refused,
  type Witness,
} from "./bus.ts";
import type { CallRecords, RecordedCall } from "./call_records.ts";
import { pageOf } from "./page.ts";
import type { RequestKeys } from "./request_keys.ts";
import {
  type Answer,
  answerForOutbox,
  type Answers,
  emptyOutbox,
  type OutboxView,
  type Question,
  type QuestionKind,
  type QuestionOf,
} from "./survey.ts";

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
  /** How far the CALLs to the clients of this thread have got. */
  readonly records: CallRecords;
  /** The `Idempotency-Key`s that were used in this thread. */
  readonly keys: RequestKeys;
  /** The reports of this thread; none without. */
  readonly outbox?: OutboxView | undefined;
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
    this.#deps.records.lost(client, call);
    this.#deps.reportLost(client, call);
  }

  forget(clientId: string | null): void {
    this.#deps.verdicts?.forget(clientId);
  }

  answerTo<K extends QuestionKind>(question: QuestionOf<K>): Answers[K] {
    return this.#answer(question) as Answers[K];
  }

  #answer(question: Question): Answer {
    const { connections, records, keys, outbox = emptyOutbox } = this.#deps;
    switch (question.kind) {
      case "page":
        return pageOf(connections, question.after, question.limit, question.search);
      case "call":
        return records.find(question);
      case "key":
        return keys.answer(question.key, question.claimId);
      default:
        return answerForOutbox(question, outbox) ?? null;
    }
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
    request: ClientRequest & { kind: "call" },
    errand: Errand | undefined,
    span: CallSpan | undefined,
  ): ClientReply {
    const { action, messageId, payload, trace: parent } = request;
    const trace = span?.context ?? parent;
    const record = this.#record(connection, request);
    const { id } = record;
    // Remembered before: a CALL may end while it is being taken. Whoever gave an errand remembers it.
    const forget = errand === undefined
      ? this.#deps.witness.accepted(connection, { action, messageId, trace, id })
      : () => {};
    const call = { action, messageId, payload, trace, span, watch: record };
    const taken = connection.callForBackend(call, {
      isOurs() {
        if (errand?.isOurs() !== false) return true;
        forget();
        // Whoever reports it tells of it too.
        record.drop();
        return false;
      },
      ended: () => {
        forget();
        record.settle("delivered");
        errand?.ended();
      },
    });
    if (taken === "accepted") {
      record.keep();
      // Beside whoever asked for it, who may not live to tell.
      if (request.key !== undefined) this.#deps.keys.bind(request.key);
      return ACCEPTED;
    }
    forget();
    span?.end(taken);
    return refused(taken);
  }

  #record(
    { protocol }: Client,
    { action, clientId, messageId, id, waitSeconds }: ClientRequest & { kind: "call" },
  ): RecordedCall {
    const isReported = waitSeconds === null;
    return this.#deps.records.begin({ id, action, clientId, messageId, isReported, protocol });
  }

  /** The outcome is the answer. */
  #wait(
    connection: Connection,
    request: ClientRequest & { kind: "call" },
    seconds: number,
    span: CallSpan | undefined,
  ): Promise<ClientReply> {
    const { action, messageId, payload } = request;
    const { clock, apiCallSeconds } = this.#deps;
    const record = this.#record(connection, request);
    const since = clock.now();
    return new Promise((resolve) => {
      const timer = clock.setTimeout(() => {
        apiCallSeconds.observe((clock.now() - since) / 1000);
        span?.end("no_answer");
        const wasSent = connection.abandon(call);
        if (!wasSent) record.neverSent();
        resolve({ kind: "no_answer", wasSent });
      }, seconds * 1000);
      const call: OutgoingCall = {
        action,
        messageId,
        payload,
        watch: record,
        onOutcome(outcome) {
          clock.clearTimeout(timer);
          apiCallSeconds.observe((clock.now() - since) / 1000);
          if (span !== undefined) endByOutcome(span, outcome);
          resolve({ kind: "outcome", outcome });
        },
      };
      const taken = connection.call(call);
      if (taken === "accepted") return record.keep();
      clock.clearTimeout(timer);
      span?.end(taken);
      resolve(refused(taken));
    });
  }
}
