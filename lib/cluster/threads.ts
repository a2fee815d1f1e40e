/**
 * A worker's way to the clients of the others: through the main thread.
 *
 * @module
 */

import { type Clock, within } from "../clock.ts";
import type { SharedTime } from "../ids.ts";
import type { Log } from "../log/log.ts";
import type { EarlierReports } from "../report/earlier.ts";
import {
  type Bus,
  type CallNames,
  type Client,
  type ClientReply,
  type ClientRequest,
  identityOf,
  type Peer,
  refused,
  type Witness,
} from "./bus.ts";
import type { FromWorker, Port, ToWorker } from "./message.ts";
import type { Answer, Answers, Question, QuestionKind, QuestionOf, Survey } from "./survey.ts";

export interface ThreadsBusOptions {
  readonly port: Port<ToWorker, FromWorker>;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether a client that is found nowhere is looked for once more, a moment later. */
  readonly looksTwice: boolean;
  /** Is told what the main thread says of it. */
  readonly earlier?: Pick<EarlierReports, "update">;
}

const NOT_TAKEN = "a message between threads failed";

/** Nobody could be asked. */
const NO_SURVEY = { answers: [], isComplete: false } as const;

/**
 * The bus between the workers of one process, and the witness of the CALLs that this one accepted.
 *
 * The time limits of what is asked are the main thread's: when that does not answer, there is no
 * process any more. Messages leave at once and in order, so whatever this worker was answerable for
 * when it died is known there.
 *
 * Owns the questions that this worker has asked. Always true: each has one answer, the end of `close` at
 * the latest.
 */
export class ThreadsBus implements Bus, Witness {
  readonly isAvailable = true;
  readonly hasJoined = true;
  readonly #options: ThreadsBusOptions;
  readonly #asked = new Map<number, (reply: ClientReply) => void>();
  readonly #surveys = new Map<number, (survey: Survey<Answer>) => void>();
  #lastId = 0;
  #servedId: number | null = null;
  #isClosed = false;
  #onNoneAsked = (): void => {};

  constructor(options: ThreadsBusOptions) {
    this.#options = options;
  }

  /**
   * Begins to serve what the others ask. Once only, and before all else.
   *
   * @param time What ids are made of here.
   */
  join(peer: Peer, time?: Pick<SharedTime, "hear" | "wallNow">): this {
    this.#options.port.onMessage((message) => {
      try {
        if (message.kind === "time") return void time?.hear(message.time);
        this.#take(message, peer);
      } catch (error) {
        // A fault of ours must not cost all clients of this worker their connections.
        this.#options.log.error(NOT_TAKEN, { error: String(error) });
      }
    });
    this.#post({ kind: "join" });
    if (time !== undefined) this.#post({ kind: "time", time: time.wallNow() });
    return this;
  }

  attach(client: Client): void {
    this.#post({ kind: "attach", client: identityOf(client) });
  }

  detach({ clientId, connectionId }: Client): void {
    this.#post({ kind: "detach", clientId, connectionId });
  }

  ask(request: ClientRequest): Promise<ClientReply> {
    if (this.#isClosed) return Promise.resolve(refused("gone"));
    return new Promise((resolve) => {
      const id = ++this.#lastId;
      this.#asked.set(id, resolve);
      this.#post({ kind: "ask", id, request, looksTwice: this.#options.looksTwice });
    });
  }

  survey<K extends QuestionKind>(question: QuestionOf<K>): Promise<Survey<Answers[K]>> {
    return this.#survey<K>(question, true);
  }

  /** Asks the main thread alone: the workers are asked in another way. */
  surveyMain<K extends QuestionKind>(question: QuestionOf<K>): Promise<Survey<Answers[K]>> {
    return this.#survey<K>(question, false);
  }

  #survey<K extends QuestionKind>(
    question: Question,
    asksWorkers: boolean,
  ): Promise<Survey<Answers[K]>> {
    if (this.#isClosed) return Promise.resolve(NO_SURVEY);
    return new Promise((resolve) => {
      const id = ++this.#lastId;
      // What was asked decides what is answered.
      this.#surveys.set(id, resolve as (survey: Survey<Answer>) => void);
      this.#post({ kind: "survey", id, question, asksWorkers });
    });
  }

  forget(clientId: string): void {
    this.#post({ kind: "forget", clientId });
  }

  accepted(client: Client, { action, messageId, trace, id: reportId }: CallNames): () => void {
    const id = ++this.#lastId;
    this.#post({
      kind: "accepted",
      id,
      client: identityOf(client),
      call: { action, messageId, trace, id: reportId },
      servedId: this.#servedId,
    });
    return () => this.#post({ kind: "ended", id });
  }

  /**
   * Leaves the others, and waits for what they are still asked: their clients may answer until they
   * are closed too.
   */
  async close(timeoutMs: number): Promise<void> {
    this.#isClosed = true;
    this.#post({ kind: "leave" });
    if (this.#asked.size > 0) {
      const noneAsked = new Promise<void>((resolve) => this.#onNoneAsked = resolve);
      await within(this.#options.clock, noneAsked, timeoutMs);
    }
    for (const resolve of this.#asked.values()) resolve(refused("lost"));
    for (const resolve of this.#surveys.values()) resolve(NO_SURVEY);
    this.#asked.clear();
    this.#surveys.clear();
  }

  #post(message: FromWorker): void {
    this.#options.port.post(message);
  }

  #take(message: Exclude<ToWorker, { kind: "time" }>, peer: Peer): void {
    switch (message.kind) {
      case "replaced":
        return peer.replaced(message.clientId, message.connectionId);
      case "forget":
        return peer.forget(message.clientId);
      case "earlier":
        return this.#options.earlier?.update(message.change);
      case "serve":
        return void this.#serve(message.id, message.request, peer);
      case "reply":
        this.#asked.get(message.id)?.(message.reply);
        this.#asked.delete(message.id);
        if (this.#asked.size === 0) this.#onNoneAsked();
        return;
      case "question":
        return void this.#answer(message.id, message.question, peer);
      case "surveyed":
        this.#surveys.get(message.id)?.(message.survey);
        this.#surveys.delete(message.id);
        return;
    }
  }

  /** Never rejects. */
  async #answer(id: number, question: Question, peer: Peer): Promise<void> {
    let answer: Answer | undefined;
    try {
      const given = peer.answerTo(question);
      // What is known at once is said in its turn.
      answer = given instanceof Promise ? await given : given;
    } catch (error) {
      this.#options.log.error("a question of another worker failed", { error: String(error) });
    }
    this.#post({ kind: "answer", id, answer });
  }

  /** Never rejects. */
  async #serve(id: number, request: ClientRequest, peer: Peer): Promise<void> {
    let reply: ClientReply;
    try {
      // A CALL is accepted, if it is, before `serve` returns its promise.
      this.#servedId = id;
      const serving = peer.serve(request);
      this.#servedId = null;
      reply = await serving;
    } catch (error) {
      this.#servedId = null;
      this.#options.log.error("a request of another worker failed", { error: String(error) });
      reply = refused("lost");
    }
    try {
      this.#post({ kind: "served", id, reply: cloneable(reply) });
    } catch (error) {
      this.#options.log.error(NOT_TAKEN, { error: String(error) });
    }
  }
}

function cloneable(reply: ClientReply): ClientReply {
  return reply.kind === "client" ? { ...reply, client: identityOf(reply.client) } : reply;
}
