/**
 * The main thread's part of the bus between workers: who holds which client, and who asks whom.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import { ConnectionMap } from "../client/map.ts";
import type { Log } from "../log/log.ts";
import {
  type CallNames,
  type Client,
  type ClientReply,
  type ClientRequest,
  type MainPeer,
  refused,
} from "./bus.ts";
import type { FromWorker, Port, ToWorker } from "./message.ts";
import { timeOfId } from "../ids.ts";
import { pageOf } from "./page.ts";
import type { Answer, Question } from "./survey.ts";
import { Surveys } from "./surveys.ts";
import { replyMs, SECOND_TRY_MS, TIME_SLACK_MS } from "./times.ts";

/** A CALL whose outcome a worker owes the backend. */
export interface OwedCall {
  readonly client: Client;
  readonly call: CallNames;
}

interface Owed extends OwedCall {
  /** The request of another worker that it was accepted for. */
  readonly servedId: number | null;
}

/** What a worker leaves behind when it dies. */
export interface Legacy {
  /** Its clients, which are connected no more. */
  readonly clients: readonly Client[];
  readonly calls: readonly OwedCall[];
}

/** One worker, as the switchboard sees it. */
export interface Line {
  readonly port: Port<FromWorker, ToWorker>;
}

interface Worker extends Line {
  /** Its own, also those that a newer connection elsewhere replaces, until they are closed. */
  readonly clients: ConnectionMap<Client>;
  readonly owed: Map<number, Owed>;
  /** Whether it answers questions. */
  isAsked: boolean;
  isDead: boolean;
}

/** What a worker asks of a client, until it has its answer. */
interface Asked {
  readonly asker: Worker;
  readonly id: number;
  readonly request: ClientRequest;
  /** A client that changes its worker in this moment is looked for once more. */
  readonly isSecondTry: boolean;
}

interface Serving {
  readonly question: Asked;
  readonly holder: Worker;
  readonly timer: Timer;
}

/**
 * Ties workers together, each by its port. All is plain data: it knows no threads.
 *
 * Of two connections with one ClientId the newer one counts, by their ids, which are ordered by time
 * (`SharedTime`): a worker whose time is behind is told. The worker that holds the older one is told to close it. Which CALLs each worker owes an outcome is
 * kept here, so that it outlives the worker. A worker says that a CALL was accepted before the client
 * gets it, and that it ended after the backend got its outcome. What remains: a worker that dies in
 * between leaves it open whether the outcome arrived, and the backend may get a second one.
 *
 * Always true: a question has one answer, in bounded time, unless its asker died; a worker that died is
 * in nothing of this; of a client that several workers hold for a moment, all but the newest are told.
 */
export class Switchboard {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #workers = new Set<Worker>();
  readonly #serving = new Map<number, Serving>();
  readonly #surveys: Surveys;
  readonly #own: MainPeer | undefined;
  #lastId = 0;
  /** Of the worker whose ids are the furthest ahead, before this thread's clock. */
  #lead: number;

  /** @param own Answers for the main thread, which has what dead workers left. */
  constructor(clock: Clock, log: Log, own?: MainPeer) {
    this.#clock = clock;
    this.#log = log;
    this.#lead = clock.wallNow() - clock.now();
    this.#surveys = new Surveys(clock);
    this.#own = own;
  }

  /** A worker has begun. */
  connect(port: Port<FromWorker, ToWorker>): Line {
    const worker: Worker = {
      port,
      clients: new ConnectionMap(),
      owed: new Map(),
      isAsked: false,
      isDead: false,
    };
    this.#workers.add(worker);
    port.onMessage((message) => {
      try {
        this.#take(worker, message);
      } catch (error) {
        // A fault of ours with one message must not end the whole program.
        this.#log.error("a message between threads failed", { error: String(error) });
      }
    });
    return worker;
  }

  /**
   * A worker has died, and all that it had posted has been taken. Those who waited for it are told;
   * what it says from now on is not heard.
   */
  disconnect(line: Line): Legacy {
    const worker = line as Worker;
    worker.isDead = true;
    this.#workers.delete(worker);
    this.#surveys.gone(worker);
    for (const [id, { question, holder, timer }] of this.#serving) {
      if (holder !== worker && question.asker !== worker) continue;
      this.#serving.delete(id);
      this.#clock.clearTimeout(timer);
      if (holder !== worker) continue;
      // It is not accepted with 202 then, and need not have an outcome; an outbox that has it already
      // gives it one all the same, which harms nobody: the answer says that it may have been sent.
      forgive(worker, id);
      this.#answer(question, refused("lost"));
    }
    return { clients: worker.clients.all(), calls: [...worker.owed.values()] };
  }

  /** Says the same to all workers. */
  tellAll(message: ToWorker): void {
    for (const { port } of this.#workers) port.post(message);
  }

  /** The connection that counts, wherever it is. */
  find(clientId: string): Client | undefined {
    return this.#holderOf(clientId)?.clients.get(clientId);
  }

  #take(worker: Worker, message: FromWorker): void {
    if (worker.isDead) return;
    switch (message.kind) {
      case "attach":
        return this.#attach(worker, message.client);
      case "detach":
        return detach(worker, message.clientId, message.connectionId);
      case "ask": {
        const { id, request, looksTwice } = message;
        return this.#ask({ asker: worker, id, request, isSecondTry: !looksTwice });
      }
      case "served":
        return this.#served(worker, message.id, message.reply);
      case "join":
        worker.isAsked = true;
        return;
      case "survey":
        return this.#survey(worker, message.id, message.question, message.asksWorkers);
      case "answer":
        return this.#surveys.answered(worker, message.id, message.answer);
      case "accepted":
        worker.owed.set(message.id, message);
        return;
      case "ended":
        worker.owed.delete(message.id);
        return;
      case "forget":
        for (const { port } of this.#workers) {
          if (port !== worker.port) port.post(message);
        }
        return;
      case "time":
        return this.#hear(worker, message.time, true);
      case "leave":
        worker.isAsked = false;
        for (const { clientId, connectionId } of worker.clients.all()) {
          detach(worker, clientId, connectionId);
        }
        return;
    }
  }

  #attach(worker: Worker, client: Client): void {
    const { clientId, connectionId } = client;
    worker.clients.put(clientId, client);
    const time = timeOfId(connectionId);
    if (time !== undefined) this.#hear(worker, time, false);
    for (const other of this.#workers) {
      const theirs = other === worker ? undefined : other.clients.get(clientId);
      if (theirs === undefined) continue;
      const isOlder = theirs.connectionId < connectionId;
      const [loser, newer] = isOlder
        ? [other, connectionId] as const
        : [worker, theirs.connectionId] as const;
      loser.port.post({ kind: "replaced", clientId, connectionId: newer });
    }
  }

  /**
   * A worker makes ids of this time. No worker's clients lose because its clock is behind: each keeps up
   * with the one that is ahead, and one that begins is told at once.
   */
  #hear(worker: Worker, time: number, isNew: boolean): void {
    const now = this.#clock.now();
    const lead = time - now;
    if (lead > this.#lead + TIME_SLACK_MS) {
      this.#lead = lead;
      for (const { port } of this.#workers) {
        if (port !== worker.port) port.post({ kind: "time", time });
      }
    } else if (isNew && lead < this.#lead - TIME_SLACK_MS) {
      worker.port.post({ kind: "time", time: Math.floor(now + this.#lead) });
    }
  }

  #holderOf(clientId: string): Worker | undefined {
    let holder: Worker | undefined;
    let newest = "";
    for (const worker of this.#workers) {
      const { connectionId } = worker.clients.get(clientId) ?? { connectionId: "" };
      if (connectionId > newest) [holder, newest] = [worker, connectionId];
    }
    return holder;
  }

  #ask(question: Asked): void {
    if (question.asker.isDead) return;
    const holder = this.#holderOf(question.request.clientId);
    if (holder === undefined) return this.#notFound(question);
    const id = ++this.#lastId;
    const timer = this.#clock.setTimeout(() => {
      this.#serving.delete(id);
      this.#answer(question, refused("lost"));
    }, replyMs(question.request));
    this.#serving.set(id, { question, holder, timer });
    holder.port.post({ kind: "serve", id, request: question.request });
  }

  #notFound(question: Asked): void {
    if (question.isSecondTry) {
      return this.#answer(question, refused("gone"));
    }
    this.#clock.setTimeout(() => this.#ask({ ...question, isSecondTry: true }), SECOND_TRY_MS);
  }

  #served(worker: Worker, id: number, reply: ClientReply): void {
    const serving = this.#serving.get(id);
    if (serving?.holder !== worker) return;
    this.#serving.delete(id);
    this.#clock.clearTimeout(serving.timer);
    const isGone = reply.kind === "refused" && reply.reason === "gone";
    if (isGone) this.#notFound(serving.question);
    else this.#answer(serving.question, reply);
  }

  #answer({ asker, id }: Asked, reply: ClientReply): void {
    if (!asker.isDead) asker.port.post({ kind: "reply", id, reply });
  }

  #survey(asker: Worker, id: number, question: Question, asksWorkers: boolean): void {
    const others = [...this.#workers].filter((worker) => worker !== asker);
    const own: Answer[] = [];
    if (question.kind === "page") {
      // All others' clients are known here, so nobody has to be asked.
      const { after, limit, search } = question;
      own.push(...others.map(({ clients }) => pageOf(clients, after, limit, search)));
      return this.#surveys.ask(asker, id, question, [], own);
    }
    if (this.#own !== undefined) own.push(this.#own.answerTo(question));
    const asked = asksWorkers ? others.filter(({ isAsked }) => isAsked) : [];
    this.#surveys.ask(asker, id, question, asked, own);
  }
}

/** A later attach may have come before it. */
function detach({ clients }: Worker, clientId: string, connectionId: string): void {
  const client = clients.get(clientId);
  if (client?.connectionId === connectionId) clients.remove(clientId, client);
}

/** Takes back the CALL that was accepted for a request of another worker. */
function forgive({ owed }: Worker, servedId: number): void {
  for (const [id, call] of owed) if (call.servedId === servedId) owed.delete(id);
}
