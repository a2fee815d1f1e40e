/**
 * What instances tell each other, so that many are one gateway.
 *
 * @module
 */

import type { TraceContext } from "../codec/trace_context.ts";
import type { ConnectionState } from "../client/connection_state.ts";
import type { Errand } from "../client/outgoing.ts";
import { type Identity, identityOf } from "../identity.ts";
import type { RequestKey } from "../outbox/entry.ts";
import type { CallOutcome } from "../report/outcome.ts";
import type { Violation } from "../validate/violation.ts";
import type { Answers, ClientPage, QuestionKind, QuestionOf, Survey } from "./survey.ts";

export type { ClientPage };

/** Who is connected; a `Connection` is one, and so is what another instance says of it. */
export type Client = Identity;

/** What goes to others of a client, which may be a connection with its socket. */
export { identityOf };

/** Something that the instance which holds a client is asked for. */
export type ClientRequest =
  | {
    readonly kind: "call";
    readonly clientId: string;
    readonly action: string;
    readonly messageId: string;
    /** A JSON object's text. */
    readonly payload: string;
    /** How long the outcome is waited for; null when it goes to the backend. */
    readonly waitSeconds: number | null;
    /** The trace that the CALL belongs to, from whoever asked for it. */
    readonly trace?: TraceContext | undefined;
    /**
     * A UUIDv7, the `Webhook-Id` of its report, whoever sends that; an instance of an older version gives
     * none.
     */
    readonly id?: string | undefined;
    /** What its caller may repeat it by, for one whose outcome goes to the backend. */
    readonly key?: RequestKey | undefined;
  }
  | {
    readonly kind: "send";
    readonly clientId: string;
    readonly action: string;
    readonly messageId: string;
    readonly payload: string;
  }
  | { readonly kind: "describe"; readonly clientId: string }
  | { readonly kind: "close"; readonly clientId: string };

/** The answer of the instance that holds the client. */
export type ClientReply =
  /** A CALL or SEND was taken, a client closed. */
  | { readonly kind: "accepted" }
  | { readonly kind: "refused"; readonly reason: Refusal }
  /** The payload is not as its schema says. Nothing was sent. */
  | { readonly kind: "invalid"; readonly violation: Violation }
  /** With `waitSeconds`: how the CALL ended. */
  | { readonly kind: "outcome"; readonly outcome: CallOutcome }
  /** With `waitSeconds`: no answer in that time. */
  | { readonly kind: "no_answer"; readonly wasSent: boolean }
  /** An instance of an older version does not tell the state. */
  | { readonly kind: "client"; readonly client: Client; readonly state?: ConnectionState };

export type Refusal =
  /** No such client is connected. */
  | "gone"
  /** A CALL with this MessageId is outstanding. */
  | "duplicate"
  /** The client's queue is full. */
  | "full"
  /** So much waits that no CALL is taken. */
  | "overloaded"
  /** There is no place for one more outcome. */
  | "no_room"
  /** The CALL cannot be kept, so that its outcome might be lost. */
  | "not_kept"
  | "shutting_down"
  /** The client speaks no SEND. */
  | "no_send"
  /** It cannot be found out who holds the client. Nothing was sent. */
  | "unavailable"
  /** The request is larger than the way to the other instance takes. */
  | "too_large"
  /** The instance that holds the client gave no answer; the CALL may have been sent. */
  | "lost";

/** The reply that refuses a request. */
export function refused(reason: Refusal): ClientReply {
  return { kind: "refused", reason };
}

/** What an instance does when others ask. */
export interface Peer {
  /** The client with this id, when it is connected here. */
  find(clientId: string): Client | undefined;
  /** A newer connection of this client exists elsewhere: an older one here is closed. */
  replaced(clientId: string, connectionId: string): void;
  /**
   * Serves a request for a client.
   *
   * @param errand For a CALL whose outcome goes to the backend; without one it is this instance's own.
   */
  serve(request: ClientRequest, errand?: Errand): Promise<ClientReply>;
  /** Answers what others ask all, from what it has itself: at once, but for a list of clients. */
  answerTo<K extends QuestionKind>(question: QuestionOf<K>): Answers[K] | Promise<Answers[K]>;
  /**
   * What the backend said of this client is forgotten, so that it is asked when the client comes back.
   *
   * @param clientId Null for all clients.
   */
  forget(clientId: string | null): void;
  /** An accepted CALL will have no outcome from the instance that had it: the backend is told. */
  lost(client: Client, call: CallNames): void;
}

/** What the main thread knows, which holds no client; it knows that at once. */
export interface MainPeer {
  answerTo<K extends QuestionKind>(question: QuestionOf<K>): Answers[K];
}

export interface CallNames {
  readonly action: string;
  readonly messageId: string;
  /** The trace that its report belongs to. */
  readonly trace?: TraceContext | undefined;
  /** The `Webhook-Id` of its report. */
  readonly id?: string | undefined;
}

/** Ties instances together. None of it throws or rejects. */
export interface Bus {
  /** A client connected here. An older connection of it elsewhere is closed there, and the other way round. */
  attach(client: Client): void;
  /** That very connection ended. */
  detach(client: Client): void;
  /** Asks whoever else holds the client; `gone` when nobody does. Ends in bounded time. */
  ask(request: ClientRequest): Promise<ClientReply>;
  /**
   * Asks all others, in bounded time. An instance of an older version does not heed the `search` of a
   * page, and answers nothing else than pages: the survey is not complete then.
   */
  survey<K extends QuestionKind>(question: QuestionOf<K>): Promise<Survey<Answers[K]>>;
  /** Has all others forget what the backend said of this client, those that cannot be reached later. */
  forget(clientId: string): void;
  /** Whether the others can be reached; local clients are served either way. */
  readonly isAvailable: boolean;
  /** Whether they could be reached once. */
  readonly hasJoined: boolean;
  /** Leaves the others. @param timeoutMs How long that may take. */
  close(timeoutMs: number): Promise<void>;
}

/** Remembers accepted CALLs outside of this thread, in case it does not live to report them. */
export interface Witness {
  /** @returns To be called when the outcome has been reported. */
  accepted(client: Client, call: CallNames): () => void;
}
