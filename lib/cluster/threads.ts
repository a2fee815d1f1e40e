/**
 * A worker's way to the clients of the others: through the main thread.
 *
 * @module
 */

import { type Clock, within } from "../clock.ts";
import type { Log } from "../log/log.ts";
import {
  type Bus,
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
import type { FromWorker, Port, ToWorker } from "./message.ts";

export interface ThreadsBusOptions {
  readonly port: Port<ToWorker, FromWorker>;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether a client that is found nowhere is looked for once more, a moment later. */
  readonly looksTwice: boolean;
  /** How long `close` waits for what the others are still asked. */
  readonly closeMs: number;
}

const NOT_TAKEN = "a message between threads failed";

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
  readonly #options: ThreadsBusOptions;
  readonly #asked = new Map<number, (reply: ClientReply) => void>();
  readonly #askedPages = new Map<number, (pages: readonly ClientPage[]) => void>();
  #lastId = 0;
  #servedId: number | null = null;
  #isClosed = false;
  #onNoneAsked = (): void => {};

  constructor(options: ThreadsBusOptions) {
    this.#options = options;
  }

  /** Begins to serve what the others ask. Once only, and before all else. */
  join(peer: Peer): this {
    this.#options.port.onMessage((message) => {
      try {
        this.#take(message, peer);
      } catch (error) {
        // A fault of ours must not cost all clients of this worker their connections.
        this.#options.log.error(NOT_TAKEN, { error: String(error) });
      }
    });
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

  pages(after: string | null, limit: number, search?: string): Promise<readonly ClientPage[]> {
    if (this.#isClosed) return Promise.resolve([]);
    return new Promise((resolve) => {
      const id = ++this.#lastId;
      this.#askedPages.set(id, resolve);
      this.#post({ kind: "ask_pages", id, after, limit, search });
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
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#post({ kind: "leave" });
    if (this.#asked.size > 0) {
      const noneAsked = new Promise<void>((resolve) => this.#onNoneAsked = resolve);
      await within(this.#options.clock, noneAsked, this.#options.closeMs);
    }
    for (const resolve of this.#asked.values()) resolve(refused("lost"));
    for (const resolve of this.#askedPages.values()) resolve([]);
    this.#asked.clear();
    this.#askedPages.clear();
  }

  #post(message: FromWorker): void {
    this.#options.port.post(message);
  }

  #take(message: ToWorker, peer: Peer): void {
    switch (message.kind) {
      case "replaced":
        return peer.replaced(message.clientId, message.connectionId);
      case "forget":
        return peer.forget(message.clientId);
      case "serve":
        return void this.#serve(message.id, message.request, peer);
      case "reply":
        this.#asked.get(message.id)?.(message.reply);
        this.#asked.delete(message.id);
        if (this.#asked.size === 0) this.#onNoneAsked();
        return;
      case "pages":
        this.#askedPages.get(message.id)?.(message.pages);
        this.#askedPages.delete(message.id);
        return;
    }
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
