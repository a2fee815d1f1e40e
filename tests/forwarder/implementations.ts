/**
 * All that implements `Forwarder`, for the suites that each of them must pass.
 *
 * @module
 */

import { systemClock } from "../../lib/clock.ts";
import { createFetchForwarder } from "../../lib/forwarder/fetch.ts";
import type {
  BackendReply,
  BackendRequest,
  ForwarderOptions,
} from "../../lib/forwarder/forwarder.ts";
import { createTcpForwarder } from "../../lib/forwarder/tcp.ts";
import { inTime } from "../support/deadline.ts";
import { type Answering, asked } from "../support/layers.ts";
import type { Layer } from "../../lib/forwarder/layer.ts";

export type ForwarderName = "fetch" | "tcp";

type Options = ForwarderOptions;

export const FORWARDERS: readonly (readonly [
  name: ForwarderName,
  create: (options: Options) => Layer,
])[] = [["fetch", createFetchForwarder], ["tcp", createTcpForwarder]];

/** What these tests let an answer take. */
export const TIMEOUT_MS = 300;

/** A forwarder that is closed when the test ends, and whose every wait has a deadline. */
export class TestForwarder implements Disposable {
  readonly #forwarder: Answering;
  #isClosed = false;

  constructor(name: ForwarderName, backend: string, options: Partial<Options> = {}) {
    const create = FORWARDERS.find(([other]) => other === name)![1];
    this.#forwarder = asked(create({
      backend,
      timeoutMs: 5000,
      maxBytes: 100,
      maxIdleConnections: 4,
      userAgent: "ws2api/test",
      clock: systemClock,
      ...options,
    }));
  }

  forward(request: Partial<BackendRequest> = {}): Promise<BackendReply> {
    return inTime(this.#forwarder.forward({ ...REQUEST, ...request }), "the end of forward()");
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#forwarder.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

export const REQUEST: BackendRequest = {
  kind: "call",
  path: "call/Act/CP1/1",
  body: "{}",
  origin: { clientId: "CP1", connectionId: "c", protocol: null, remoteAddress: "127.0.0.1" },
};

/** A whole answer with a length. */
export function answer(body: string, ...headers: string[]): string {
  const lines = headers.map((header) => `${header}\r\n`).join("");
  return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${lines}\r\n${body}`;
}

/** A whole answer in chunks. */
export function chunked(...chunks: string[]): string {
  const parts = [...chunks, ""].map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`);
  return `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${parts.join("")}`;
}

/** The reply that such an answer becomes. */
export function taken(body: string, status = 200): BackendReply {
  return { ok: true, status, body };
}
