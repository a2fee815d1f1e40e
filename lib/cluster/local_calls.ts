/**
 * CALLs to the clients of this instance: accepted for the backend, or waited for.
 *
 * @module
 */

import type { Connection } from "../client/connection.ts";
import type { ConnectionMap } from "../client/map.ts";
import type { Errand, Taken } from "../client/outgoing.ts";
import type { OutgoingCall } from "../client/pending.ts";
import { endByOutcome } from "../client/span.ts";
import type { Clock } from "../clock.ts";
import type { TimeOrderedIds } from "../ids.ts";
import type { Histogram } from "../metrics/family.ts";
import type { Deliveries, Reserved } from "../report/deliveries.ts";
import type { CallSpan, Tracing } from "../trace/tracing.ts";
import {
  type Client,
  type ClientReply,
  type ClientRequest,
  type Refusal,
  refused,
  type Witness,
} from "./bus.ts";
import type { CallRecords, RecordedCall } from "./call_records.ts";
import type { RequestKeys } from "./request_keys.ts";

export interface LocalCallsDeps {
  readonly connections: ConnectionMap<Connection>;
  readonly deliveries: Pick<Deliveries, "accept" | "giveUp" | "isLasting">;
  /** Names the reports of CALLs that have no name yet. */
  readonly ids: Pick<TimeOrderedIds, "next">;
  readonly clock: Clock;
  readonly isShuttingDown: () => boolean;
  /** Where the time from a CALL's acceptance to its outcome is counted. */
  readonly apiCallSeconds: Pick<Histogram, "observe">;
  readonly witness: Witness;
  /** How far the CALLs to the clients of this thread have got. */
  readonly records: CallRecords;
  /** The `Idempotency-Key`s that were used in this thread. */
  readonly keys: RequestKeys;
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

/** Serves CALLs whose payload may be sent, while the gateway takes any. */
export class LocalCalls {
  readonly #deps: LocalCallsDeps;

  constructor(deps: LocalCallsDeps) {
    this.#deps = deps;
  }

  /** @param errand Of whoever accepts it for the backend in place of this instance. */
  serve(
    connection: Connection,
    request: CallRequest,
    errand: Errand | undefined,
  ): ClientReply | Promise<ClientReply> {
    const span = this.#begin(connection, request);
    const { waitSeconds } = request;
    return waitSeconds === null
      ? this.#accept(connection, request, errand, span)
      : this.#wait(connection, request, waitSeconds, span);
  }

  #begin(client: Client, request: CallRequest): CallSpan | undefined {
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
    const { clientId, action, messageId, key } = request;
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
        let taken: Taken = "gone";
        try {
          if (holder !== undefined) {
            taken = this.#call(holder, { ...request, id, trace }, errand, span, forget);
          }
        } catch (error) {
          // A fault of ours. Unless it waits for its outcome all the same, nobody will report it.
          if (holder?.refusalOf(messageId) !== "duplicate") {
            deliveries.giveUp(id);
            forget();
          }
          throw error;
        }
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
    const acceptedAt = clock.wallNow();
    const call = { id, client: connection, action, messageId, trace, acceptedAt, key };
    deliveries.accept(call, (reserved) => {
      try {
        reply = take(reserved);
      } finally {
        // Whoever keeps it logs what failed here; the CALL may have been sent.
        resolve?.(reply ?? refused("lost"));
      }
    }, forget);
    return reply ?? new Promise((later) => resolve = later);
  }

  #call(
    connection: Connection,
    request: CallRequest & { readonly id: string },
    errand: Errand | undefined,
    span: CallSpan | undefined,
    forget: () => void,
  ): Taken {
    const { deliveries, keys } = this.#deps;
    const { action, messageId, payload, trace, id, key } = request;
    const record = this.#record(connection, request);
    // What lasts comes from here, or from whoever has it later: who gave the errand must not report it.
    const owing = deliveries.isLasting ? undefined : errand;
    const call = { id, action, messageId, payload, trace, span, watch: record };
    const taken = connection.callForBackend(call, {
      claim(outcome) {
        if (owing === undefined) return outcome.report();
        owing.claim({
          report: () => outcome.report(),
          hold: () => outcome.hold(),
          setAside: () => outcome.setAside(),
          drop() {
            forget();
            // Whoever reports it tells of it too.
            record.drop();
            outcome.drop();
          },
        });
      },
      moved: (state) => record.settle(state),
      ended() {
        forget();
        owing?.ended();
      },
    });
    if (taken !== "accepted") return taken;
    record.keep();
    if (owing === undefined) errand?.ended();
    // Beside whoever asked for it, who may not live to tell.
    if (key !== undefined) keys.bind(key);
    return taken;
  }

  #record(
    { protocol }: Client,
    { action, clientId, messageId, id, waitSeconds }: CallRequest,
  ): RecordedCall {
    const isReported = waitSeconds === null;
    return this.#deps.records.begin({ id, action, clientId, messageId, isReported, protocol });
  }

  /** The outcome is the answer. */
  #wait(
    connection: Connection,
    request: CallRequest,
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
