import { createPage } from "../../lib/status/page.ts";
import { until } from "./deadline.ts";

/**
 * A gateway that serves the status page, and whose stream tells what a test says: what a real one
 * would have to be brought to for minutes.
 */
export class FakeStatus implements AsyncDisposable {
  readonly #streams = new Set<ReadableStreamDefaultController<Uint8Array>>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #encoder = new TextEncoder();
  /** All that was told so far, for a page that connects anew: to it nothing may be lost. */
  readonly #told: Uint8Array[] = [];

  constructor() {
    const page = createPage(false);
    const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    this.#server = Deno.serve(options, ({ url }) => {
      const { pathname } = new URL(url);
      if (pathname === "/") return new Response(page.html, { headers: page.headers });
      if (pathname === "/status/stream") return this.#stream();
      if (pathname === "/status/access") return Response.json({ reports: [] });
      return Response.json({ total: 0, clients: [], next: null });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** Waits for a page that listens. */
  async seen(): Promise<void> {
    await until("a page that listens", () => this.#streams.size > 0);
  }

  /** Tells all pages. */
  send(event: string, data: unknown): void {
    const bytes = this.#encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    this.#told.push(bytes);
    for (const stream of this.#streams) stream.enqueue(bytes);
  }

  #stream(): Response {
    let own: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        own = controller;
        this.#streams.add(own);
        for (const bytes of this.#told) own.enqueue(bytes);
      },
      cancel: () => void this.#streams.delete(own),
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stream of this.#streams) stream.close();
    this.#streams.clear();
    await this.#server.shutdown();
  }
}
