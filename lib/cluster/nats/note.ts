/**
 * What instances say to each other over NATS, as JSON.
 *
 * @module
 */

import type { Client, ClientReply, ClientRequest } from "../bus.ts";
import type { Answer as SurveyAnswer, Question } from "../survey.ts";

/** So many debts are asked for in one go. */
export const MAX_NUMBERS = 5000;

/** Whatever goes to others. */
export type Note = PeerNote | AllNote | ClientNote;

/** What goes to one instance. */
export type PeerNote =
  | {
    readonly kind: "ask";
    readonly from: string;
    /** The asker's number for a CALL whose outcome goes to the backend. */
    readonly number: number | null;
    readonly request: ClientRequest;
  }
  | { readonly kind: "ended"; readonly number: number }
  | { readonly kind: "attached"; readonly clientId: string; readonly connectionId: string }
  | (Omit<PresenceNote, "kind"> & { readonly kind: "alive" })
  /** Is the outcome of this CALL still mine to report? */
  | { readonly kind: "claim"; readonly peerId: string; readonly number: number }
  /** Are you there, and what of this do you still owe? */
  | { readonly kind: "ping"; readonly peerId: string; readonly numbers: readonly number[] };

/** The answer to `ask`. */
export interface Answer {
  /** The answering instance's, when it took the request. */
  readonly epoch: number;
  /** An instance of an older version has none for requests that it does not know. */
  readonly reply?: ClientReply;
}

/** The answer to `ping`. */
export interface Pong {
  readonly epoch: number;
  /** Those of the numbers that it has reported. */
  readonly ended: readonly number[];
}

/** The answer to `claim`. */
export interface Claimed {
  readonly isOwed: boolean;
}

/** What goes to whoever holds a client. */
export type ClientNote =
  | { readonly kind: "attached"; readonly peerId: string; readonly connectionId: string }
  | { readonly kind: "find" };

/** That an instance is there, or leaves. An instance of an older version tells its id alone. */
export interface PresenceNote {
  /** `hello` is answered with `alive`. */
  readonly kind: "hello" | "alive" | "bye";
  readonly peerId: string;
  /** What it makes ids of, in milliseconds since 1970. */
  readonly time?: number | undefined;
  /** Where its process listens, when nobody else can listen there. */
  readonly place?: string | undefined;
  /** A `hello` of one that is not new: it only asks who is there. */
  readonly isRoll?: boolean | undefined;
}

/** What goes to all. */
export type AllNote =
  | PresenceNote
  /** What the backend said of this client is forgotten; null: of all of them. */
  | { readonly kind: "forget"; readonly clientId: string | null }
  | {
    readonly kind: "page";
    readonly after: string | null;
    readonly limit: number;
    readonly search?: string | undefined;
  }
  /** What else all are asked; an instance of an older version does not understand it. */
  | {
    readonly kind: "question";
    readonly question: Exclude<Question, { readonly kind: "page" }>;
  };

/** The answer to `question`. */
export interface Said {
  readonly peerId: string;
  readonly answer: SurveyAnswer;
}

/** The answer to `find`; null when the client has just gone. */
export interface Holder {
  readonly peerId: string;
  readonly client: Client;
}
