/**
 * Reading a stream from its beginning to what was its end.
 *
 * @module
 */

import type { Consumer, JetStreamClient, JetStreamManager, JsMsg } from "@nats-io/jetstream";
import { type Clock, within } from "../../clock.ts";
import type { Message } from "./ledger.ts";
import { ANSWER_MS } from "./times.ts";

/** How long JetStream waits for more of a part. */
const SILENCE_MS = 5000;
/** At least so many bytes are asked for at once … */
const PART_BYTES = 2 * 1024 ** 2;
/** … of so many messages, which is what the library asks for where bytes are limited … */
const PART_MESSAGES = 100;
/** … and room for what is around the largest message: JetStream sends none that does not fit. */
const FRAME_BYTES = 64 * 1024;

/** The way to a stream. */
export interface ReadDeps {
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly stream: string;
  /** The largest message that NATS takes, in bytes. */
  readonly maxPayload: number;
  readonly clock: Clock;
}

type Take = (messages: readonly Message[]) => Promise<void>;

/**
 * Reads with an ordered consumer, which is deleted afterwards. A part is what JetStream gives at once: at
 * most 100 messages, and 2 MiB or as much as the largest message takes.
 *
 * @param take Must not reject.
 * @returns Whether all was read that was there at the beginning and was not removed meanwhile.
 * @throws What the library throws.
 */
export async function readStream(deps: ReadDeps, filter: string, take: Take): Promise<boolean> {
  const { js, jsm, stream, clock } = deps;
  // What is written later comes behind it, and would never end.
  const last = await jsm.streams.getMessage(stream, { last_by_subj: filter });
  if (last === null) return true;
  const consumer = await js.consumers.get(stream, { filter_subjects: filter });
  let isRead: boolean;
  try {
    isRead = await readUntil(consumer, last.seq, deps, take);
  } finally {
    await within(clock, consumer.delete().catch(() => {}), ANSWER_MS);
  }
  // The consumer may be on a server that is behind, and did not see it; or it was removed meanwhile.
  return isRead || await jsm.streams.getMessage(stream, { seq: last.seq }) === null;
}

/** @returns Whether the message with this number, or one behind it, was seen. */
async function readUntil(
  consumer: Consumer,
  end: number,
  { maxPayload, clock }: ReadDeps,
  take: Take,
): Promise<boolean> {
  let isSeen = false;
  let pending = (await consumer.info(true)).num_pending;
  const maxBytes = Math.max(PART_BYTES, maxPayload + FRAME_BYTES);
  while (pending > 0) {
    const part: Message[] = [];
    let isEnd = false;
    for await (const message of await begin(consumer, maxBytes, clock)) {
      const { seq } = message;
      ({ pending } = message.info);
      if (seq <= end) part.push({ subject: message.subject, seq, text: message.string() });
      isSeen ||= seq >= end;
      isEnd = isSeen || pending === 0;
      // The library would wait for more, which it has not asked for.
      if (isEnd || part.length === PART_MESSAGES) break;
    }
    if (part.length > 0) await take(part);
    if (isEnd) return isSeen;
    // Silence; maybe the rest was removed meanwhile.
    if (part.length === 0) {
      pending = (await consumer.info()).num_pending;
      if (pending > 0) return false;
    }
  }
  return isSeen;
}

/** Messages as they come; ends, and does not throw, when the next one has no room any more. */
async function begin(
  consumer: Consumer,
  maxBytes: number,
  clock: Clock,
): Promise<AsyncIterable<JsMsg>> {
  const messages = await consumer.fetch({ max_bytes: maxBytes, expires: SILENCE_MS });
  // Of an ordered consumer the library waits for JetStream's word as long as NATS is away or frozen.
  const timer = clock.setTimeout(() => messages.stop(), SILENCE_MS + ANSWER_MS);
  return (async function* () {
    try {
      yield* messages;
    } catch {
      // Whether there is more is seen by whoever asks again.
    } finally {
      clock.clearTimeout(timer);
      messages.stop();
    }
  })();
}
