/**
 * The forwarder over TCP connections of its own.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Timer } from "../clock.ts";
import { traceHeaders } from "../codec/trace_context.ts";
import type { Origin } from "../identity.ts";
import { type BackendAddress, backendAddress, dial } from "./dial.ts";
import type { BackendReply, BackendRequest, Forwarder, ForwarderOptions } from "./forwarder.ts";
import { HttpConnection, NEVER_LEFT } from "./http_connection.ts";
import { IdleConnections } from "./idle.ts";
import { webhookHeaders } from "./signature.ts";

/** Connecting may take as long as an answer, but not longer than this. */
const MAX_CONNECT_MS = 10_000;
/** Node closes an idle connection after 5 s, PHP servers and Apache likewise; others wait longer. */
const MAX_IDLE_MS = 4000;
/** The backend's own word for that is believed less this, for what is on the way. */
const IDLE_MARGIN_MS = 1000;

const UNREACHABLE: BackendReply = { ok: false, fault: "unreachable" };

/**
 * Makes a forwarder that speaks HTTP/1.1 on keep-alive connections that it owns.
 *
 * A request is written at most once for all that can be known: only when the kernel took no byte of
 * it does it go out again, on a new connection. So `unreachable` is certain, and a CALL that may
 * have arrived is never repeated, unlike with `fetch`.
 *
 * Redirects are not followed: they are answers like any other. Answers are not decompressed.
 */
export function createTcpForwarder(options: ForwarderOptions): Forwarder {
  return new TcpForwarder(options);
}

class TcpForwarder implements Forwarder {
  readonly #options: ForwarderOptions;
  readonly #address: BackendAddress;
  readonly #commonHead: string;
  readonly #idle: IdleConnections;
  readonly #connections = new Set<HttpConnection>();
  readonly #dialing = new AbortController();
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#idle = new IdleConnections(options.maxIdleConnections, options.clock);
    this.#address = backendAddress(options.backend);
    this.#commonHead = ` HTTP/1.1\r\nHost: ${this.#address.host}\r\n` +
      `User-Agent: ${options.userAgent}\r\n` +
      "Content-Type: application/json\r\nAccept: application/json\r\n" +
      "Accept-Encoding: identity\r\n";
  }

  async forward(request: BackendRequest): Promise<BackendReply> {
    const text = this.#requestText(request);
    const now = this.#options.clock.now();
    const kept = this.#idle.take(now);
    if (kept !== undefined) {
      const sent = await this.#exchange(kept, text, now);
      if (sent !== NEVER_LEFT) return sent;
    }
    const fresh = await this.#connect();
    if (fresh === undefined) return UNREACHABLE;
    const sent = await this.#exchange(fresh, text, this.#options.clock.now());
    return sent === NEVER_LEFT ? UNREACHABLE : sent;
  }

  close(): void {
    this.#isClosed = true;
    this.#dialing.abort();
    this.#idle.close();
    for (const connection of this.#connections) connection.close();
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
  }

  #exchange(
    connection: HttpConnection,
    text: string,
    now: number,
  ): ReturnType<HttpConnection["exchange"]> {
    const { clock, timeoutMs } = this.#options;
    connection.deadline = now + timeoutMs;
    this.#timer ??= clock.setTimeout(() => this.#closeLate(), timeoutMs);
    return connection.exchange(text);
  }

  async #connect(): Promise<HttpConnection | undefined> {
    const { clock, timeoutMs, maxBytes, caCerts } = this.#options;
    if (this.#isClosed) return undefined;
    const conn = await dial(this.#address, {
      timeoutMs: Math.min(timeoutMs, MAX_CONNECT_MS),
      signal: this.#dialing.signal,
      clock,
      caCerts,
    });
    if (conn === undefined) return undefined;
    if (this.#isClosed) {
      conn.close();
      return undefined;
    }
    const connection = new HttpConnection(conn, {
      maxBytes,
      onIdle: () => this.#keep(connection),
      onClosed: () => this.#forget(connection),
    });
    this.#connections.add(connection);
    return connection;
  }

  #keep(connection: HttpConnection): void {
    connection.deadline = Infinity;
    if (this.#isClosed) return connection.close();
    this.#idle.put(connection, Math.min(MAX_IDLE_MS, connection.idleMs - IDLE_MARGIN_MS));
  }

  #forget(connection: HttpConnection): void {
    this.#connections.delete(connection);
    this.#idle.remove(connection);
  }

  /**
   * One timer for all that are under way, set for the first of them: what begins later, ends later.
   */
  #closeLate(): void {
    const { clock } = this.#options;
    const now = clock.now();
    let next = Infinity;
    for (const connection of this.#connections) {
      if (connection.deadline <= now) connection.close({ ok: false, fault: "timeout" });
      else next = Math.min(next, connection.deadline);
    }
    this.#timer = next === Infinity
      ? undefined
      : clock.setTimeout(() => this.#closeLate(), next - now);
  }

  #requestText({ path, body, origin, trace, webhookId }: BackendRequest): string {
    const { signKeys, clock } = this.#options;
    const fullPath = this.#address.basePath + path;
    let head =
      `POST ${fullPath}${this.#commonHead}X-Ws2api-Connection: ${origin.connectionId}\r\n` +
      originLines(origin);
    if (webhookId !== undefined) {
      const message = { webhookId, path: fullPath, body };
      for (const [name, value] of webhookHeaders(message, signKeys, clock.wallNow())) {
        head += `${name}: ${value}\r\n`;
      }
    }
    if (trace !== undefined) {
      for (const [name, value] of traceHeaders(trace)) head += `${name}: ${value}\r\n`;
    }
    return `${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  }
}

/** Whose request it is, as header lines. What is no visible ASCII stays out: nothing can end a line. */
function originLines({ protocol, remoteAddress }: Origin): string {
  const address = `X-Forwarded-For: ${remoteAddress.replace(/[^!-~]/g, "")}\r\n`;
  return protocol === null
    ? address
    : `${address}X-Ws2api-Protocol: ${protocol.replace(/[^!-~]/g, "")}\r\n`;
}
