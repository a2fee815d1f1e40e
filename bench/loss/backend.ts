/**
 * A backend that notes each outcome, takes its time, and sometimes fails.
 *
 * @module
 */

import type { Books } from "./books.ts";
import { now } from "./journal.ts";
import { between, pause } from "./stations.ts";

/** Shares of the requests, of all. */
const SHARE = { fails: 0.03, slow: 0.05 };
const ANSWER_MS = [0, 30] as const;
const SLOW_MS = [500, 2500] as const;

/** The first part of a path says which gateway it came from. */
export class Backend {
  readonly #books: Books;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #stop = new AbortController();
  readonly #answering = new Set<Promise<Response>>();

  constructor(books: Books) {
    this.#books = books;
    const { signal } = this.#stop;
    const options = { hostname: "127.0.0.1", port: 0, onListen: () => {}, signal };
    this.#server = Deno.serve(options, (request) => {
      const answer = this.#answer(request).finally(() => this.#answering.delete(answer));
      this.#answering.add(answer);
      return answer;
    });
  }

  get port(): number {
    return this.#server.addr.port;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled([this.#server.finished, ...this.#answering]);
  }

  async #answer(request: Request): Promise<Response> {
    const body = await request.text();
    const at = now();
    const path = request.url.slice(request.url.indexOf("/", "http://".length));
    const [, by = "", kind = "", , clientId, messageId = ""] = path.split("/");
    const status = Math.random() < SHARE.fails ? 503 : 200;
    const call = this.#books.find(messageId);
    if (call === undefined || call.clientId !== clientId) this.#books.strays.push(path);
    else {
      const webhookId = request.headers.get("webhook-id");
      call.tries.push({ at, by, kind, webhookId, body, status });
    }
    await pause(between(Math.random() < SHARE.slow ? SLOW_MS : ANSWER_MS));
    return new Response(status === 200 ? "{}" : "not now", { status });
  }
}
