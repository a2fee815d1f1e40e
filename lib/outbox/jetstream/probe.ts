/**
 * Whether the outbox in JetStream could be used.
 *
 * @module
 */

import { jetstream, type StreamInfo } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { forbiddenBy, reasonOf } from "../../nats/fault.ts";
import { isStreamNotFound, refusalOf } from "./fault.ts";
import { ownersSubjects, rightText, tryRights } from "./rights.ts";
import { REPLICAS } from "./streams.ts";
import { streamNames } from "./subject.ts";
import { ANSWER_MS } from "./times.ts";

/** What there is in JetStream. */
export type LedgerProbe =
  /** No streams yet; they are made at the start. */
  | { readonly kind: "new"; readonly isAlone: boolean }
  | {
    readonly kind: "usable";
    readonly messages: number;
    readonly bytes: number;
    /** How many servers keep each message. */
    readonly replicas: number;
    /** Whether one of them may be lost, and all goes on. */
    readonly outlivesOne: boolean;
  }
  /** @param reason One line. */
  | { readonly kind: "unusable"; readonly reason: string };

/**
 * Connects, tries all rights out, and looks at both streams. Nothing is made, and no instance notices.
 * Never rejects; ends within some seconds.
 *
 * @param connect Connects once; rejects when it cannot.
 * @param prefix Begins each subject.
 */
export async function probeLedger(
  connect: () => Promise<NatsConnection>,
  prefix: string,
): Promise<LedgerProbe> {
  let connection: NatsConnection | undefined;
  try {
    connection = await connect();
    const forbidden = await forbiddenOn(connection, prefix);
    if (forbidden !== undefined) return { kind: "unusable", reason: forbidden };
    return await look(connection, prefix);
  } catch (error) {
    return { kind: "unusable", reason: reasonOf(error) };
  } finally {
    await connection?.close().catch(() => {});
  }
}

/** The rights that the login lacks, in one line. */
async function forbiddenOn(
  connection: NatsConnection,
  prefix: string,
): Promise<string | undefined> {
  const missing = new Set<string>();
  void noteForbidden(connection, missing);
  connection.subscribe(ownersSubjects(prefix), { callback: () => {} });
  tryRights(connection, prefix);
  // What was refused is told before the answers to these, and read before the second one.
  await connection.flush();
  await connection.flush();
  return missing.size === 0 ? undefined : `the login may not ${[...missing].join(", ")}`;
}

async function noteForbidden(connection: NatsConnection, missing: Set<string>): Promise<void> {
  try {
    for await (const status of connection.status()) {
      if (status.type !== "error") continue;
      const { operation, subject } = forbiddenBy(status.error) ?? {};
      if (subject === undefined) continue;
      missing.add(rightText(operation, subject));
    }
  } catch {
    // It was closed.
  }
}

async function look(connection: NatsConnection, prefix: string): Promise<LedgerProbe> {
  const jsm = await jetstream(connection, { timeout: ANSWER_MS }).jetstreamManager(false);
  const found: StreamInfo[] = [];
  for (const name of Object.values(streamNames(prefix))) {
    try {
      found.push(await jsm.streams.info(name));
    } catch (error) {
      if (!isStreamNotFound(error)) return { kind: "unusable", reason: refusalOf(error).reason };
    }
  }
  const [entries, owners] = found;
  if (entries === undefined || owners === undefined) {
    return { kind: "new", isAlone: connection.info?.cluster === undefined };
  }
  const { messages, bytes } = entries.state;
  const replicas = Math.min(entries.config.num_replicas, owners.config.num_replicas);
  return { kind: "usable", messages, bytes, replicas, outlivesOne: replicas >= REPLICAS };
}
