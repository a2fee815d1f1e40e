/**
 * What is said over a connection to NATS, and taken from it.
 *
 * @module
 */

import { errors, type Msg, type NatsConnection, type Subscription } from "@nats-io/transport-node";
import type { Log } from "../log/log.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { isNoResponders, reasonOf } from "./fault.ts";

/** What a subscription calls. */
export type Callback = (error: Error | null, message: Msg) => void;

/** A base of `Link`, which has the connection. None of it throws. */
export abstract class Messages<Note extends object = object> {
  readonly #log: Log;
  readonly #metrics: Pick<Metrics, "natsRequestsFailed">;

  constructor(
    { log, metrics }: { readonly log: Log; readonly metrics: Pick<Metrics, "natsRequestsFailed"> },
  ) {
    this.#log = log;
    this.#metrics = metrics;
  }

  /** Null while there is none. */
  abstract get connection(): NatsConnection | null;

  /** Whether what is said now would leave. */
  protected abstract get canSay(): boolean;

  /**
   * Takes what comes on a subject.
   *
   * @param callback Made by `guarded`.
   * @returns Null while there is no connection.
   */
  subscribe(subject: string, callback: Callback): Subscription | null {
    try {
      return this.connection?.subscribe(subject, { callback }) ?? null;
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
        // An answer whose connection has gone meanwhile: whoever asked waits for so long and no longer.
        if (error instanceof errors.ClosedConnectionError) return;
        this.warn("nats message not taken", error);
      }
    };
    return (error, message) => {
      if (error === null) void safely(message);
    };
  }

  /** Counts a request that failed; that nobody is there is an answer. */
  requestFailed(error: unknown): void {
    if (!isNoResponders(error)) this.#metrics.natsRequestsFailed.add(1);
  }

  /** A message that is none of an instance's: it is dropped. */
  notUnderstood(what: string): void {
    this.#log.warn("nats message not understood", { reason: `no valid ${what}` });
  }

  /** What cannot be sent now is made up for at the next connect. */
  publish(subject: string, note: Note): void {
    if (!this.canSay) return;
    try {
      this.connection?.publish(subject, JSON.stringify(note));
    } catch (error) {
      this.warn("nats publish failed", error);
    }
  }

  /** Whether NATS takes a text of this length. */
  fits(text: string): boolean {
    return isWithin(text, this.connection?.info?.max_payload ?? Infinity);
  }

  /** Logs what went wrong; none of it ends anything. */
  warn(event: string, error: unknown): void {
    this.#log.warn(event, { reason: reasonOf(error) });
  }
}

/** Whether a text has no more bytes than these in UTF-8. */
export function isWithin(text: string, maxBytes: number): boolean {
  return text.length * 3 <= maxBytes ||
    (text.length <= maxBytes && new TextEncoder().encode(text).length <= maxBytes);
}
