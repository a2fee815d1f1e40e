/**
 * The forwarder over TCP connections of its own.
 *
 * @module
 */

import type { Timer } from "../clock.ts";
import { type BackendAddress, backendAddress, dial } from "./dial.ts";
import type { BackendReply, ForwarderOptions } from "./forwarder.ts";
import { type ConnectionOwner, HttpConnection, NEVER_LEFT, type Sent } from "./http_connection.ts";
import { IdleConnections } from "./idle.ts";
import type { Layer, Outer, Post } from "./layer.ts";
import { RequestWriter } from "./request_writer.ts";

/** Connecting may take as long as an answer, but not longer than this. */
const MAX_CONNECT_MS = 10_000;
/** Node closes an idle connection after 5 s, PHP servers and Apache likewise; others wait longer. */
const MAX_IDLE_MS = 4000;
/** The backend's own word for that is believed less this, for what is on the way. */
const IDLE_MARGIN_MS = 1000;

const UNREACHABLE: BackendReply = { ok: false, fault: "unreachable" };
const TIMED_OUT: BackendReply = { ok: false, fault: "timeout" };

/**
 * Makes a forwarder that speaks HTTP/1.1 on keep-alive connections that it owns.
 *
 * A request is written at most once for all that can be known: only when the kernel took no byte of
 * it does it go out again, on a new connection. So `unreachable` is certain, and a CALL that may
 * have arrived is never repeated, unlike with `fetch`.
 *
 * Redirects are not followed: they are answers like any other. Answers are not decompressed.
 */
export function createTcpForwarder(options: ForwarderOptions): Layer {
  return new TcpForwarder(options);
}

class TcpForwarder implements Layer, ConnectionOwner {
  readonly writer: RequestWriter;
  readonly maxBytes: number;
  readonly #options: ForwarderOptions;
  readonly #address: BackendAddress;
  readonly #idle: IdleConnections;
  readonly #connections = new Set<HttpConnection>();
  readonly #dialing = new AbortController();
  #outer!: Outer;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(options: ForwarderOptions) {
    const { userAgent, signKeys, clock } = options;
    this.#options = options;
    this.maxBytes = options.maxBytes;
    this.#idle = new IdleConnections(options.maxIdleConnections, clock);
    this.#address = backendAddress(options.backend);
    this.writer = new RequestWriter(this.#address, { userAgent, signKeys, clock });
  }

  repliesTo(outer: Outer): void {
    this.#outer = outer;
  }

  forward(post: Post): void {
    const now = this.#options.clock.now();
    post.sentAt = now;
    const kept = this.#idle.take(now);
    if (kept === undefined) void this.#forwardAnew(post);
    else this.#exchange(kept, post, now);
  }

  close(): void {
    this.#isClosed = true;
    this.#dialing.abort();
    this.#idle.close();
    for (const connection of this.#connections) connection.close();
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
  }

  ended({ exchanges }: HttpConnection, post: Post, sent: Sent): void {
    if (sent !== NEVER_LEFT) this.#replied(post, sent, this.#options.clock.now());
    else if (exchanges > 1) void this.#forwardAnew(post);
    else this.#replied(post, UNREACHABLE, this.#options.clock.now());
  }

  answered(connection: HttpConnection, post: Post, reply: BackendReply, isIdle: boolean): void {
    const now = this.#options.clock.now();
    // First, so that the next request, which the reply may let through, can be put on it.
    if (isIdle) this.#keep(connection, now);
    this.#replied(post, reply, now);
  }

  idle(connection: HttpConnection): void {
    this.#keep(connection, this.#options.clock.now());
  }

  #keep(connection: HttpConnection, now: number): void {
    connection.deadline = Infinity;
    if (this.#isClosed) return connection.close();
    this.#idle.put(connection, Math.min(MAX_IDLE_MS, connection.idleMs - IDLE_MARGIN_MS), now);
  }

  #replied(post: Post, reply: BackendReply, now: number): void {
    post.repliedAt = now;
    this.#outer.replied(post, reply);
  }

  closed(connection: HttpConnection): void {
    this.#connections.delete(connection);
    this.#idle.remove(connection);
  }

  #exchange(connection: HttpConnection, post: Post, now: number): void {
    const { clock, timeoutMs } = this.#options;
    connection.deadline = now + timeoutMs;
    this.#timer ??= clock.setTimeout(() => this.#closeLate(), timeoutMs);
    connection.exchange(post);
  }

  /** On a new connection. Its way there is no part of an exchange's time. */
  async #forwardAnew(post: Post): Promise<void> {
    const connection = await this.#connect();
    const now = this.#options.clock.now();
    if (connection === undefined) this.#replied(post, UNREACHABLE, now);
    else this.#exchange(connection, post, now);
  }

  async #connect(): Promise<HttpConnection | undefined> {
    const { clock, timeoutMs, caCerts } = this.#options;
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
    const connection = new HttpConnection(conn, this);
    this.#connections.add(connection);
    return connection;
  }

  /**
   * One timer for all that are under way, set for the first of them: what begins later, ends later.
   */
  #closeLate(): void {
    const { clock } = this.#options;
    const now = clock.now();
    const late: HttpConnection[] = [];
    let next = Infinity;
    for (const connection of this.#connections) {
      if (connection.deadline <= now) late.push(connection);
      else next = Math.min(next, connection.deadline);
    }
    // Before any is closed: its reply may let another request through, which needs the timer.
    this.#timer = next === Infinity
      ? undefined
      : clock.setTimeout(() => this.#closeLate(), next - now);
    for (const connection of late) connection.close(TIMED_OUT);
  }
}
