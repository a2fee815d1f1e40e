/**
 * The way to NATS: connected for ever, and what is said over it.
 *
 * @module
 */

import {
  errors,
  type Msg,
  type NatsConnection,
  type Status,
  type Subscription,
} from "@nats-io/transport-node";
import { type Clock, type Timer, within } from "../../clock.ts";
import type { Log } from "../../log/log.ts";
import { CONNECT_AGAIN_MS } from "../times.ts";
import { type AllNote, type ClientNote, isWithin, type PeerNote } from "./note.ts";

export interface LinkOptions {
  /** Makes one try to connect; rejects when it fails. */
  readonly connect: () => Promise<NatsConnection>;
  readonly clock: Clock;
  readonly log: Log;
  /** There is another connection than before: nothing is subscribed to. */
  readonly onNew: () => void;
  /** It is up, for the first time or again. */
  readonly onUp: () => void;
  /** There is no connection until another `onNew`. */
  readonly onGone: () => void;
}

/** What a subscription calls. */
export type Callback = (error: Error | null, message: Msg) => void;

/**
 * Owns the connection to NATS. Once connected, the library reconnects and subscribes again by itself;
 * when it gives that up, another connection is made.
 *
 * Always true: what is up has a connection; and no connection outlives `close`.
 */
export class Link {
  readonly #options: LinkOptions;
  #connection: NatsConnection | null = null;
  #isUp = false;
  #upSince = 0;
  #isClosed = false;
  #timer: Timer | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** The connection, which may be cut off just now; null while there is none. */
  get connection(): NatsConnection | null {
    return this.#connection;
  }

  /** Whether NATS can be reached, as far as the library knows. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /** When it came up for the last time. */
  get upSince(): number {
    return this.#upSince;
  }

  /** Connects in the background, for ever. Once only; never rejects. */
  async connect(): Promise<void> {
    const { connect, clock, log } = this.#options;
    let isTold = false;
    while (!this.#isClosed) {
      try {
        const connection = await connect();
        if (this.#isClosed) return await connection.close();
        this.#begin(connection);
        void this.#follow(connection);
        return;
      } catch (error) {
        if (this.#isClosed) return;
        if (!isTold) log.error("nats cannot be reached, still trying", { reason: reasonOf(error) });
        isTold = true;
        // Cleared by a close, and then nothing goes on from here.
        await new Promise<void>((resolve) => {
          this.#timer = clock.setTimeout(resolve, CONNECT_AGAIN_MS);
        });
      }
    }
  }

  /** @throws What those who are told throw; nothing is left of the connection then. */
  #begin(connection: NatsConnection): void {
    this.#connection = connection;
    try {
      this.#options.onNew();
      this.#up(connection);
    } catch (error) {
      this.#isUp = false;
      this.#connection = null;
      connection.close().catch(() => {});
      throw error;
    }
  }

  #up(connection: NatsConnection): void {
    const { clock, log } = this.#options;
    this.#isUp = true;
    this.#upSince = clock.now();
    log.info("nats connected", { server: connection.getServer() });
    this.#options.onUp();
  }

  async #follow(connection: NatsConnection): Promise<void> {
    try {
      for await (const status of connection.status()) {
        if (this.#isClosed) return;
        this.#note(status, connection);
      }
    } catch (error) {
      // A fault of ours, or the library's: whatever the connection is, another one is made.
      this.warn("nats error", error);
      connection.close().catch(() => {});
    }
    if (this.#isClosed) return;
    // The library gave up, for instance because it was refused too often.
    this.#isUp = false;
    this.#connection = null;
    this.#options.onGone();
    await this.connect();
  }

  #note(status: Status, connection: NatsConnection): void {
    switch (status.type) {
      case "disconnect":
        if (!this.#isUp) break;
        this.#isUp = false;
        this.#options.log.warn("nats disconnected, clients of other instances cannot be reached");
        break;
      case "reconnect":
        this.#up(connection);
        break;
      case "error":
        this.warn("nats error", status.error);
        break;
    }
  }

  /**
   * Takes what comes on a subject.
   *
   * @param callback Made by `guarded`.
   * @returns Null while there is no connection.
   */
  subscribe(subject: string, callback: Callback): Subscription | null {
    try {
      return this.#connection?.subscribe(subject, { callback }) ?? null;
    } catch (error) {
      // It is being closed.
      this.warn("nats subscription failed", error);
      return null;
    }
  }

  /**
   * Makes the callback of a subscription; one does for many.
   *
   * @param take Takes a message. Its throw or rejection is logged, and ends nothing.
   */
  guarded(take: (message: Msg) => void | Promise<void>): Callback {
    const safely = async (message: Msg): Promise<void> => {
      try {
        await take(message);
      } catch (error) {
        this.warn("nats message not taken", error);
      }
    };
    return (error, message) => {
      if (error === null) void safely(message);
    };
  }

  /** A message that is none of an instance's: it is dropped. */
  notUnderstood(what: string): void {
    this.#options.log.warn("nats message not understood", { reason: `no valid ${what}` });
  }

  /** What cannot be sent now is made up for at the next connect. */
  publish(subject: string, note: PeerNote | AllNote | ClientNote): void {
    if (!this.#isUp) return;
    try {
      this.#connection?.publish(subject, JSON.stringify(note));
    } catch (error) {
      this.warn("nats publish failed", error);
    }
  }

  /** Whether NATS takes a text of this length. */
  fits(text: string): boolean {
    return isWithin(text, this.#connection?.info?.max_payload ?? Infinity);
  }

  /** Logs what went wrong; none of it ends anything. */
  warn(event: string, error: unknown): void {
    this.#options.log.warn(event, { reason: reasonOf(error) });
  }

  /** Leaves NATS within this time. Never rejects. */
  async close(timeoutMs: number): Promise<void> {
    this.#isClosed = true;
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

/** Whether a request failed because nobody subscribes to its subject. */
export function isNoResponders(error: unknown): boolean {
  return error instanceof errors.NoRespondersError ||
    (error instanceof errors.RequestError && error.isNoResponders());
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 200) : "unknown";
}
