/**
 * Whether the outbox in JetStream could be opened.
 *
 * @module
 */

import { jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { reasonOf } from "../../nats/fault.ts";
import { watchRefused } from "../../nats/refused.ts";
import { isStreamNotFound, refusalOf } from "./fault.ts";
import { ownersSubjects, trialsOf } from "./rights.ts";
import { streamNames } from "./subject.ts";
import { ANSWER_MS } from "./times.ts";

/** What there is. */
export type LedgerProbe =
  /** No streams yet; whether there is room for them shows when they are made. */
  | { readonly kind: "new" }
  /** @param replicas How many servers keep each message; that of the stream that has fewer. */
  | { readonly kind: "usable"; readonly messages: number; readonly replicas: number }
  /** @param reason One line. */
  | { readonly kind: "unusable"; readonly reason: string };

/**
 * Tries out the rights that an outbox needs, and looks its streams up. What is missing is not made.
 *
 * @param connect Connects once; rejects when it cannot.
 * @param prefix Begins each subject.
 * @returns Never rejects.
 */
export async function probeLedger(
  connect: () => Promise<NatsConnection>,
  prefix: string,
): Promise<LedgerProbe> {
  let connection: NatsConnection;
  try {
    connection = await connect();
  } catch (error) {
    return { kind: "unusable", reason: reasonOf(error) };
  }
  const refused = new Set<string>();
  try {
    void watchRefused(connection, refused);
    connection.subscribe(ownersSubjects(prefix), { callback() {} });
    for (const { subject, text } of trialsOf(prefix)) {
      connection.publish(subject, text, { reply: `${prefix}.inbox.none` });
    }
    await connection.flush();
    const found = refused.size === 0 ? await lookUp(connection, prefix) : undefined;
    return found ?? { kind: "unusable", reason: firstOf(refused) };
  } catch (error) {
    const reason = refused.size > 0 ? firstOf(refused) : refusalOf(error).reason;
    return { kind: "unusable", reason };
  } finally {
    await connection.close().catch(() => {});
  }
}

/** A login that lacks one right mostly lacks all of them. */
function firstOf(refused: ReadonlySet<string>): string {
  const [first = ""] = refused;
  return refused.size === 1 ? first : `${first}, and ${refused.size - 1} more`;
}

/** @throws What the library throws. */
async function lookUp(connection: NatsConnection, prefix: string): Promise<LedgerProbe> {
  const jsm = await jetstream(connection, { timeout: ANSWER_MS }).jetstreamManager(false);
  const { entries, owners } = streamNames(prefix);
  try {
    const kept = await jsm.streams.info(entries);
    const signs = await jsm.streams.info(owners);
    const replicas = Math.min(...[kept, signs].map(({ config }) => config.num_replicas));
    return { kind: "usable", messages: kept.state.messages, replicas };
  } catch (error) {
    if (isStreamNotFound(error)) return { kind: "new" };
    throw error;
  }
}
