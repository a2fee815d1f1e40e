/**
 * A backend that is stopped and started again on its port, as a server that is restarted with care: it
 * finishes what it has begun, and tells those who stay connected that it closes.
 *
 * @module
 */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";

const BODY = '{"currentTime":"2026-01-01T00:00:00Z"}';
/**
 * For so long it says `Connection: close` before it stops listening. The gateway closes a connection that
 * it has not used for 4 s, so that none is left by then on which a request could be cut off.
 */
const LEAVE_MS = 4500;

export class RestartingBackend implements AsyncDisposable {
  /** Requests since it was made. */
  requests = 0;
  port = 0;
  #server: Server | undefined;
  #isLeaving = false;

  /** Listens, on the port that it had before. */
  async start(): Promise<void> {
    this.#isLeaving = false;
    const server = createServer((request, response) => {
      this.requests++;
      request.resume().on("end", () => {
        if (this.#isLeaving) response.setHeader("connection", "close");
        response.setHeader("content-type", "application/json");
        response.end(BODY);
      });
    });
    // The gateway lets go of a connection that rests for four seconds; no race with that here.
    server.keepAliveTimeout = 60_000;
    server.listen(this.port, "127.0.0.1", 4096);
    await once(server, "listening");
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    this.#isLeaving = true;
    await new Promise((resolve) => setTimeout(resolve, LEAVE_MS));
    const closed = once(server, "close");
    server.close();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
