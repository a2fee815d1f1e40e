/**
 * The way to NATS: connected for ever, and what is said over it.
 *
 * @module
 */

import type { NatsConnection, Status } from "@nats-io/transport-node";
import { type Clock, type Timer, within } from "../clock.ts";
import type { Log } from "../log/log.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { CONNECT_AGAIN_MS, FIRST_WORD_MS, STALE_MS } from "./times.ts";
import { forbiddenBy, isLoginRefused, reasonOf } from "./fault.ts";
import { Messages } from "./messages.ts";

export interface LinkOptions {
  /** Makes one try to connect; rejects when it fails. */
  readonly connect: () => Promise<NatsConnection>;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "natsConnected" | "natsReconnects" | "natsRequestsFailed">;
  /** There is another connection than before: nothing is subscribed to. */
  readonly onNew: () => void;
  /** It is up, for the first time or again. */
  readonly onUp: () => void;
  /** There is no connection until another `onNew`. */
  readonly onGone: () => void;
}

/**
 * Owns the connection to NATS. Once connected, the library reconnects and subscribes again by itself;
 * when it gives that up, cannot leave a server that is frozen, or may not use a subject, another
 * connection is made.
 *
 * Always true: what is up has a connection, on which nothing was forbidden; and no connection outlives
 * `close`.
 */
export class Link<Note extends object = object> extends Messages<Note> {
  readonly #options: LinkOptions;
  #connection: NatsConnection | null = null;
  #isUp = false;
  #wasUp = false;
  #upSince = 0;
  #downSince = 0;
  #isClosed = false;
  /** That of the connection, or the last one: for the log. */
  #server: { readonly server: string; readonly serverName: string } = {
    server: "",
    serverName: "",
  };
  /** A connection is being tried out. */
  #isBeginning = false;
  /** A subject was forbidden on this connection. */
  #isForbidden = false;
  /** The last thing said of an outage, so that it is said once. */
  #told: string | undefined;
  #timer: Timer | undefined;
  #staleTimer: Timer | undefined;

  constructor(options: LinkOptions) {
    super(options);
    this.#options = options;
  }

  /** The connection, which may be cut off just now; null while there is none. */
  get connection(): NatsConnection | null {
    return this.#connection;
  }

  /** Whether NATS can be reached, as far as is known. */
  get isUp(): boolean {
    return this.#isUp;
  }

  protected get canSay(): boolean {
    return this.#isUp || this.#isBeginning;
  }

  /** Whether it came up once. */
  get wasUp(): boolean {
    return this.#wasUp;
  }

  /** When it came up for the last time. */
  get upSince(): number {
    return this.#upSince;
  }

  /** This machine's address, as NATS sees it. */
  get clientIp(): string | undefined {
    return this.#connection?.info?.client_ip;
  }

  /** Connects in the background, for ever. Once only; never rejects. */
  async connect(): Promise<void> {
    const { connect } = this.#options;
    while (!this.#isClosed) {
      try {
        const connection = await connect();
        if (this.#isClosed) return await connection.close();
        if (await this.#begin(connection)) return;
      } catch (error) {
        if (this.#isClosed) return;
        this.#tellCannot(error);
      }
      await this.#pause();
    }
  }

  /** When it is closed meanwhile, nothing goes on from here. */
  async #pause(): Promise<void> {
    if (this.#isClosed) return;
    await new Promise<void>((resolve) => {
      this.#timer = this.#options.clock.setTimeout(resolve, CONNECT_AGAIN_MS);
    });
  }

  /**
   * @returns Whether it is up; not when a subject is forbidden, or NATS falls silent at once.
   * @throws What those who are told throw; nothing is left of the connection then.
   */
  async #begin(connection: NatsConnection): Promise<boolean> {
    const { clock, onNew } = this.#options;
    this.#connection = connection;
    this.#isForbidden = false;
    this.#isBeginning = true;
    try {
      void this.#follow(connection);
      onNew();
      // What of these subjects is forbidden has been said when this is answered.
      const answered = connection.flush().catch(() => {});
      const isInTime = await within(clock, answered, FIRST_WORD_MS);
      await new Promise<void>((resolve) => clock.setImmediate(resolve));
      if (isInTime && !this.#isForbidden && !this.#isClosed && this.#connection === connection) {
        this.#up(connection);
        return true;
      }
      this.#leave(connection);
      return false;
    } catch (error) {
      this.#leave(connection);
      throw error;
    } finally {
      this.#isBeginning = false;
    }
  }

  /** There is no connection until another one is made. */
  #leave(connection: NatsConnection): void {
    if (this.#connection !== connection) return;
    this.#down();
    this.#connection = null;
    this.#clearStale();
    if (!this.#isClosed) this.#options.onGone();
    connection.close().catch(() => {});
  }

  #up(connection: NatsConnection): void {
    const { clock, log, metrics } = this.#options;
    const now = clock.now();
    const fields = serverOf(connection);
    this.#server = fields;
    if (this.#wasUp) {
      metrics.natsReconnects.add(1);
      log.info("nats connected", { ...fields, awayMs: Math.round(now - this.#downSince) });
    } else log.info("nats connected", fields);
    this.#isUp = true;
    this.#wasUp = true;
    this.#upSince = now;
    this.#told = undefined;
    metrics.natsConnected.own = 1;
    this.#options.onUp();
  }

  #down(): void {
    if (!this.#isUp) return;
    const { clock, metrics } = this.#options;
    this.#isUp = false;
    this.#downSince = clock.now();
    metrics.natsConnected.own = 0;
  }

  async #follow(connection: NatsConnection): Promise<void> {
    try {
      for await (const status of connection.status()) {
        if (this.#isClosed || this.#connection !== connection) return;
        this.#note(status, connection);
      }
    } catch (error) {
      // A fault of ours, or the library's: whatever the connection is, another one is made.
      this.warn("nats error", error);
    }
    // Or the library gave up, for instance because it was refused too often.
    this.#again(connection);
  }

  /** Another connection is made in place of this one. */
  #again(connection: NatsConnection): void {
    if (this.#isClosed || this.#connection !== connection) return;
    this.#leave(connection);
    // Otherwise whoever began with it goes on.
    if (this.#isBeginning) return;
    if (this.#isForbidden) void this.#pause().then(() => this.connect());
    else void this.connect();
  }

  #note(status: Status, connection: NatsConnection): void {
    switch (status.type) {
      case "staleConnection":
        // The library waits until what it wrote has left, which a frozen server may not let it.
        this.#staleTimer ??= this.#options.clock.setTimeout(() => {
          this.#lost();
          this.#again(connection);
        }, STALE_MS);
        break;
      case "disconnect":
        this.#clearStale();
        this.#lost();
        break;
      case "reconnect":
        this.#up(connection);
        break;
      case "error":
        this.#failed(status.error, connection);
        break;
    }
  }

  #failed(error: unknown, connection: NatsConnection): void {
    const forbidden = forbiddenBy(error);
    if (forbidden !== undefined) {
      this.#isForbidden = true;
      if (this.#isNews("forbidden")) {
        this.#options.log.error("nats forbids a subject that is needed, still trying", forbidden);
      }
      if (this.#isUp) this.#again(connection);
    } else if (isLoginRefused(error)) this.#tellCannot(error);
    else this.warn("nats error", error);
  }

  #tellCannot(error: unknown): void {
    const { log } = this.#options;
    const reason = reasonOf(error);
    if (isLoginRefused(error)) {
      if (this.#isNews("refused")) log.error("nats refuses the login, still trying", { reason });
    } else if (this.#isNews("away")) log.error("nats cannot be reached, still trying", { reason });
  }

  /** Each once in an outage: it is tried again and again. */
  #isNews(fault: "away" | "refused" | "forbidden"): boolean {
    const isNews = this.#told !== fault;
    this.#told = fault;
    return isNews;
  }

  #clearStale(): void {
    if (this.#staleTimer !== undefined) this.#options.clock.clearTimeout(this.#staleTimer);
    this.#staleTimer = undefined;
  }

  #lost(): void {
    if (!this.#isUp) return;
    this.#down();
    this.#options.log.warn(
      "nats disconnected, clients of other instances cannot be reached",
      this.#server,
    );
  }

  /** Leaves NATS within this time. Never rejects. */
  async close(timeoutMs: number): Promise<void> {
    this.#isClosed = true;
    this.#clearStale();
    const { clock } = this.#options;
    if (this.#timer !== undefined) clock.clearTimeout(this.#timer);
    const connection = this.#connection;
    if (connection === null) return;
    if (this.#isUp) {
      // What is on its way to here is still answered.
      await within(clock, connection.drain().catch(() => {}), timeoutMs / 2);
    }
    await within(clock, connection.close().catch(() => {}), timeoutMs / 2);
  }
}

/** For the log: its address, and the name that it gives itself. */
function serverOf(connection: NatsConnection): { server: string; serverName: string } {
  return { server: connection.getServer(), serverName: connection.info?.server_name ?? "" };
}
