/**
 * Questions to JetStream, each answered once or not in time.
 *
 * @module
 */

import { createInbox, type Msg, type MsgHdrs } from "@nats-io/transport-node";
import type { Clock, Timer } from "../../clock.ts";
import type { Link } from "../../nats/link.ts";
import { inboxPrefix } from "../../nats/subject.ts";
import { ANSWER_MS } from "./times.ts";

/** The answer; null: nobody takes questions on that subject; undefined: no answer in time. */
export type Answer = Msg | null | undefined;

interface Waiting {
  readonly dueAt: number;
  readonly settle: (answer: Answer) => void;
}

/**
 * Owns what is asked and not answered. All of them share a subscription and a timer: the library's own
 * requests cost three times the CPU (18 µs in place of 6), and each 202 waits for one.
 *
 * Always true: each question is settled once, `ANSWER_MS` after it was asked at the latest. Those that
 * wait are in the order in which they are due.
 */
export class Questions {
  readonly #link: Pick<Link, "connection" | "isUp" | "subscribe" | "guarded">;
  readonly #prefix: string;
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Waiting>();
  #inbox = "";
  #count = 0;
  #timer: Timer | undefined;

  /** @param prefix Begins each subject. */
  constructor(
    link: Pick<Link, "connection" | "isUp" | "subscribe" | "guarded">,
    prefix: string,
    clock: Clock,
  ) {
    this.#link = link;
    this.#prefix = inboxPrefix(prefix);
    this.#clock = clock;
  }

  /** There is a new connection. */
  begin(): void {
    this.end();
    const inbox = `${createInbox(this.#prefix)}.`;
    this.#inbox = inbox;
    const take = (message: Msg): void => {
      const isNobody = message.data.length === 0 && message.headers?.code === 503;
      this.#settle(message.subject.slice(inbox.length), isNobody ? null : message);
    };
    this.#link.subscribe(`${inbox}*`, this.#link.guarded(take));
  }

  /** There is no connection: nothing will be answered. */
  end(): void {
    for (const key of [...this.#waiting.keys()]) this.#settle(key, undefined);
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /**
   * Asks. Never rejects.
   *
   * @param text No longer than NATS takes, with the headers.
   */
  ask(subject: string, text: string, headers?: MsgHdrs): Promise<Answer> {
    const { connection } = this.#link;
    // What is said now would leave when nobody waits for it any more.
    if (connection === null || !this.#link.isUp) return Promise.resolve(undefined);
    const key = (this.#count++).toString(36);
    return new Promise((settle) => {
      this.#waiting.set(key, { dueAt: this.#clock.now() + ANSWER_MS, settle });
      this.#watch();
      try {
        const reply = this.#inbox + key;
        connection.publish(subject, text, headers === undefined ? { reply } : { reply, headers });
      } catch {
        // It is being closed.
        this.#settle(key, undefined);
      }
    });
  }

  #settle(key: string, answer: Answer): void {
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    waiting?.settle(answer);
  }

  #watch(): void {
    if (this.#timer !== undefined) return;
    const [first] = this.#waiting.values();
    if (first === undefined) return;
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      const now = this.#clock.now();
      for (const [key, { dueAt }] of this.#waiting) {
        if (dueAt > now) break;
        this.#settle(key, undefined);
      }
      this.#watch();
    }, Math.max(1, first.dueAt - this.#clock.now()));
  }
}
