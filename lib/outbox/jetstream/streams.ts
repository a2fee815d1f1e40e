/**
 * Both streams as they should be.
 *
 * @module
 */

import {
  DiscardPolicy,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { isStreamNotFound, isTooManyReplicas, type Refusal, refusalOf } from "./fault.ts";
import { ownersSubjects } from "./rights.ts";
import { streamNames } from "./subject.ts";

export interface StreamsOptions {
  /** Begins each subject. */
  readonly prefix: string;
  /** What is owed takes at most so much. */
  readonly maxBytes: number;
  /** No message is older. */
  readonly maxAgeMs: number;
}

/** What there is, or why there is nothing. */
export type Streams =
  | {
    readonly ok: true;
    /** How many servers keep each message; that of the stream that has fewer. */
    readonly replicas: number;
    /** What is owed. */
    readonly messages: number;
    readonly bytes: number;
    /** When the stream of it was made; that of another one with its name is another. */
    readonly created: string;
    /** Why a stream is not as it should be; it can be used all the same. */
    readonly refused: string | undefined;
  }
  | { readonly ok: false } & Refusal;

/** How many servers should keep each message: one may be lost. */
export const REPLICAS = 3;
/** The shortest that JetStream takes. Nothing here relies on it. */
const DUPLICATES_MS = 100;

type Wanted = Pick<StreamConfig, "name" | "subjects" | "max_bytes" | "max_age">;

/** @returns What is owed first, then who owes it. */
export function wantedStreams({ prefix, maxBytes, maxAgeMs }: StreamsOptions): [Wanted, Wanted] {
  const { entries, owners } = streamNames(prefix);
  const max_age = nanos(maxAgeMs);
  return [
    // A consumer's filter must be a part of it, also one with `>`.
    { name: entries, subjects: [`${prefix}.led.>`], max_bytes: maxBytes, max_age },
    // Signs of life are small, and must find room when there is none for anything else.
    { name: owners, subjects: [ownersSubjects(prefix)], max_bytes: -1, max_age },
  ];
}

/**
 * Looks both streams up, makes what is missing, and brings up to date what differs in size, age or
 * number of replicas. All else stays as it is. Never rejects.
 */
export async function makeStreams(
  jsm: JetStreamManager,
  options: StreamsOptions,
): Promise<Streams> {
  try {
    const found: Found[] = [];
    for (const wanted of wantedStreams(options)) {
      const one = await makeStream(jsm, wanted);
      const { config, cluster } = one.info;
      const misses = wanted.subjects.filter((subject) => !config.subjects?.includes(subject));
      if (misses.length > 0) {
        const reason = `JetStream: the stream ${wanted.name} does not keep ${misses.join()}`;
        return { ok: false, kind: "definite", reason };
      }
      if (cluster !== undefined && !cluster.leader) {
        return { ok: false, kind: "passing", reason: `JetStream: no leader of ${wanted.name}` };
      }
      found.push(one);
    }
    const { created, state: { messages, bytes } } = found[0]!.info;
    const replicas = Math.min(...found.map(({ info }) => info.config.num_replicas));
    const refused = found.find(isRefused)?.refused;
    return { ok: true, replicas, messages, bytes, created, refused };
  } catch (error) {
    return { ok: false, ...refusalOf(error) };
  }
}

interface Found {
  readonly info: StreamInfo;
  readonly refused: string | undefined;
}

function isRefused({ refused }: Found): boolean {
  return refused !== undefined;
}

async function makeStream(jsm: JetStreamManager, wanted: Wanted): Promise<Found> {
  let info: StreamInfo;
  try {
    info = await jsm.streams.info(wanted.name);
  } catch (error) {
    if (!isStreamNotFound(error)) throw error;
    return { info: await create(jsm, wanted), refused: undefined };
  }
  const { max_bytes, max_age } = info.config;
  let refused: string | undefined;
  if (max_bytes !== wanted.max_bytes || max_age !== wanted.max_age) {
    const { max_bytes, max_age } = wanted;
    const updated = await update(jsm, wanted.name, { max_bytes, max_age });
    if (updated.info === undefined) refused = updated.reason;
    else info = updated.info;
  }
  // A server alone is not asked for what it cannot do.
  if (info.cluster?.name === undefined) return { info, refused };
  for (let replicas = REPLICAS; replicas > info.config.num_replicas; replicas--) {
    const updated = await update(jsm, wanted.name, { num_replicas: replicas });
    if (updated.info !== undefined) info = updated.info;
  }
  return { info, refused };
}

async function create(jsm: JetStreamManager, wanted: Wanted): Promise<StreamInfo> {
  for (let replicas = REPLICAS;; replicas--) {
    try {
      return await jsm.streams.add({
        ...wanted,
        retention: RetentionPolicy.Limits,
        storage: StorageType.File,
        max_msgs_per_subject: 1,
        // A full stream refuses, and drops nothing.
        discard: DiscardPolicy.New,
        allow_direct: true,
        duplicate_window: nanos(DUPLICATES_MS),
        num_replicas: replicas,
      });
    } catch (error) {
      if (replicas === 1 || !isTooManyReplicas(error)) throw error;
    }
  }
}

/** @throws What is not the server's refusal of just this. */
async function update(
  jsm: JetStreamManager,
  name: string,
  change: Partial<StreamConfig>,
): Promise<{ readonly info?: StreamInfo; readonly reason?: string }> {
  try {
    return { info: await jsm.streams.update(name, change) };
  } catch (error) {
    const { kind, reason } = refusalOf(error);
    if (kind === "definite" || isTooManyReplicas(error)) return { reason };
    throw error;
  }
}
