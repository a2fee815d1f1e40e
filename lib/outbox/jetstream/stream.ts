/**
 * One stream of JetStream.
 *
 * @module
 */

import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import { headers, type MsgHdrs, type NatsConnection } from "@nats-io/transport-node";
import type { Clock } from "../../clock.ts";
import type { Log } from "../../log/log.ts";
import { isNoResponders, reasonOf } from "../../nats/fault.ts";
import { isWithin } from "../../nats/messages.ts";
import { putOf, removalOf } from "./fault.ts";
import { type LedgerStream, type Message, PAST, type Put } from "./ledger.ts";
import type { Questions } from "./questions.ts";
import { readStream } from "./read.ts";

/** What there is of JetStream while it is connected to. */
export interface Api {
  readonly connection: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
}

export interface StreamDeps {
  readonly name: string;
  readonly questions: Pick<Questions, "ask">;
  readonly clock: Clock;
  readonly log: Log;
  /** Undefined while it cannot be used. */
  readonly api: () => Api | undefined;
  /** Nobody takes what is written to the stream. */
  readonly onNobody: () => void;
}

/** What NATS takes where it does not say. */
const MAX_PAYLOAD = 1024 ** 2;
const EXPECTED = "Nats-Expected-Last-Subject-Sequence";

/** Asks JetStream for each; keeps nothing. */
export class JetStreamStream implements LedgerStream {
  readonly #deps: StreamDeps;
  readonly #delete: string;

  constructor(deps: StreamDeps) {
    this.#deps = deps;
    this.#delete = `$JS.API.STREAM.MSG.DELETE.${deps.name}`;
  }

  async put(subject: string, text: string, last: number): Promise<Put> {
    const { api, questions } = this.#deps;
    const connection = api()?.connection;
    if (connection === undefined) return { kind: "unknown" };
    const expected = last === 0 ? NONE_EXPECTED : expecting(last);
    const room = (connection.info?.max_payload ?? MAX_PAYLOAD) - expected.bytes;
    // A message that is too large ends the connection.
    if (!isWithin(text, room)) return { kind: "too_large" };
    const answer = await questions.ask(subject, text, expected.headers);
    if (answer === null) this.#deps.onNobody();
    if (!answer) return { kind: "unknown" };
    const put = putOf(answer.string());
    if (put.kind !== "conflict" || put.last !== undefined) return put;
    const found = await this.last(subject);
    return found === undefined
      ? { kind: "unknown" }
      : { kind: "conflict", last: found === null ? 0 : found.seq };
  }

  async remove(seq: number): Promise<"removed" | "absent" | "unknown"> {
    const { api, questions } = this.#deps;
    if (api() === undefined) return "unknown";
    const answer = await questions.ask(this.#delete, JSON.stringify({ seq, no_erase: true }));
    if (answer === null) this.#deps.onNobody();
    return answer ? removalOf(answer.string()) : "unknown";
  }

  async last(subject: string): Promise<Message | null | undefined> {
    const { api, name } = this.#deps;
    try {
      // The leader's own word: by a direct get whichever server keeps the stream answers, and it may be behind.
      const found = await api()?.jsm.streams.getMessage(name, { last_by_subj: subject });
      return found && { subject: found.subject, seq: found.seq, text: found.string() };
    } catch (error) {
      if (isNoResponders(error)) this.#deps.onNobody();
      return undefined;
    }
  }

  async read(
    filter: string,
    take: (messages: readonly Message[]) => Promise<void>,
  ): Promise<boolean> {
    const { api: apiOf, name, clock } = this.#deps;
    const api = apiOf();
    if (api === undefined) return false;
    const maxPayload = api.connection.info?.max_payload ?? MAX_PAYLOAD;
    try {
      return await readStream({ ...api, stream: name, maxPayload, clock }, filter, take);
    } catch (error) {
      this.#deps.log.warn("the outbox in NATS could not be read", { reason: reasonOf(error) });
      return false;
    }
  }
}

/** Of a write: what must be there. */
interface Expected {
  readonly headers: MsgHdrs;
  /** What they take of a message. */
  readonly bytes: number;
}

const NONE_EXPECTED = expecting(0);

function expecting(last: number): Expected {
  const all = headers();
  all.set(EXPECTED, String(last));
  return { headers: all, bytes: `NATS/1.0\r\n${EXPECTED}: ${last}\r\n\r\n`.length };
}

/** Of a write that is always refused on a subject to which nobody ever writes. */
export const IMPOSSIBLE: MsgHdrs = expecting(PAST).headers;
