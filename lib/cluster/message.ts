/**
 * What the threads of one process say to each other about clients.
 *
 * @module
 */

import type { EarlierChange } from "../report/earlier.ts";
import type { CallNames, Client, ClientReply, ClientRequest } from "./bus.ts";
import type { Answer, Question, Survey } from "./survey.ts";

/** One end of a way that keeps messages whole and in order. Messages can be cloned. */
export interface Port<In, Out> {
  post(message: Out): void;
  /** Once only. */
  onMessage(take: (message: In) => void): void;
}

/** From a worker to the main thread. `id` pairs a question with its answer. */
export type FromWorker =
  /** It answers questions from now on. */
  | { readonly kind: "join" }
  | { readonly kind: "attach"; readonly client: Client }
  | { readonly kind: "detach"; readonly clientId: string; readonly connectionId: string }
  | {
    readonly kind: "ask";
    readonly id: number;
    readonly request: ClientRequest;
    /** Whether a client that is found nowhere is looked for once more, a moment later. */
    readonly looksTwice: boolean;
  }
  /** Answers `serve`. */
  | { readonly kind: "served"; readonly id: number; readonly reply: ClientReply }
  | {
    readonly kind: "survey";
    readonly id: number;
    readonly question: Question;
    /** Whether the other workers are asked too, or are asked in another way. */
    readonly asksWorkers: boolean;
  }
  /** Answers `question`; undefined when it failed. */
  | { readonly kind: "answer"; readonly id: number; readonly answer: Answer | undefined }
  /** A CALL was accepted, and this worker owes the backend its outcome. */
  | {
    readonly kind: "accepted";
    readonly id: number;
    readonly client: Client;
    readonly call: CallNames;
    /** The `serve` that it was accepted for; null for one of this worker's own. */
    readonly servedId: number | null;
  }
  /** The outcome of the CALL with this id has been reported. */
  | { readonly kind: "ended"; readonly id: number }
  /** All others are to forget what the backend said of this client. */
  | { readonly kind: "forget"; readonly clientId: string }
  /** What its ids are made of now. */
  | { readonly kind: "time"; readonly time: number }
  /** It holds no clients any more, and is not asked again. */
  | { readonly kind: "leave" };

/** From the main thread to a worker. */
export type ToWorker =
  | { readonly kind: "replaced"; readonly clientId: string; readonly connectionId: string }
  | { readonly kind: "forget"; readonly clientId: string }
  /** Another worker makes ids of this time, which is ahead. */
  | { readonly kind: "time"; readonly time: number }
  /** Clients of whom the main thread has reports, or has none any longer. */
  | { readonly kind: "earlier"; readonly change: EarlierChange }
  | { readonly kind: "serve"; readonly id: number; readonly request: ClientRequest }
  /** Answers `ask`. */
  | { readonly kind: "reply"; readonly id: number; readonly reply: ClientReply }
  | { readonly kind: "question"; readonly id: number; readonly question: Question }
  /** Answers `survey`. */
  | { readonly kind: "surveyed"; readonly id: number; readonly survey: Survey<Answer> };
