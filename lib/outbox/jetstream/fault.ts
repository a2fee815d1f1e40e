/**
 * What JetStream says when it does not do what it is asked for.
 *
 * @module
 */

import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream";
import { isNoResponders, reasonOf } from "../../nats/fault.ts";
import type { Put } from "./ledger.ts";

/** Why the streams cannot be used. */
export interface Refusal {
  /**
   * `definite`: no waiting mends it. `silent`: nobody takes questions, which a server that is not ready
   * says as well as one without JetStream. `passing`: it may be over soon.
   */
  readonly kind: "definite" | "silent" | "passing";
  /** One line for people. */
  readonly reason: string;
}

/** The server's numbers of errors (its `errors.json`), those that are told apart. */
const CODE = {
  resourcesExceeded: 10002,
  noPeers: 10005,
  notLeader: 10009,
  insufficientResources: 10023,
  noMessage: 10037,
  notEnabledForAccount: 10039,
  storageExceeded: 10047,
  messageTooLarge: 10054,
  deleteFailed: 10057,
  nameInUse: 10058,
  overlap: 10065,
  wrongLast: 10071,
  replicasNotSupported: 10074,
  notEnabled: 10076,
  storeFailed: 10077,
  streamOffline: 10118,
  /** Without the sequence that is there. */
  wrongLastUnknown: 10164,
  tooMany: 10167,
} as const;

/** JetStream's words for: not now. */
const UNAVAILABLE = 503;

const PASSING: readonly number[] = [
  CODE.noPeers,
  CODE.notLeader,
  CODE.streamOffline,
  CODE.nameInUse,
  CODE.tooMany,
];
const FULL: readonly number[] = [
  CODE.resourcesExceeded,
  CODE.insufficientResources,
  CODE.storageExceeded,
];

/** @param error What a request to JetStream was rejected with. */
export function refusalOf(error: unknown): Refusal {
  const { cause } = error as { cause?: unknown };
  if (isNoResponders(error) || isNoResponders(cause)) {
    return {
      kind: "silent",
      reason: "nobody answers for JetStream: it is not enabled in NATS, or not for this account",
    };
  }
  const said = error instanceof JetStreamApiError ? error : cause;
  if (!(said instanceof JetStreamApiError)) {
    return { kind: "passing", reason: `JetStream does not answer: ${reasonOf(error)}` };
  }
  const reason = `JetStream: ${reasonOf(said)}${hintOf(said.code)}`;
  const isOff = said.code === CODE.notEnabled || said.code === CODE.notEnabledForAccount;
  const isPassing = !isOff && (said.status === UNAVAILABLE || PASSING.includes(said.code));
  return { kind: isPassing ? "passing" : "definite", reason };
}

function hintOf(code: number): string {
  if (code === CODE.storageExceeded) return "; give it more, or a smaller --outbox-max-bytes";
  if (code === CODE.overlap) return "; take another --nats-subject";
  return "";
}

export function isStreamNotFound(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;
}

/** Whether there are too few servers for so many replicas, or too few that have room. */
export function isTooManyReplicas(error: unknown): boolean {
  const codes: number[] = [CODE.replicasNotSupported, CODE.noPeers, CODE.insufficientResources];
  return error instanceof JetStreamApiError && codes.includes(error.code);
}

/** What is answered to a write; `conflict` without `last`: the server does not say what is there. */
export type PutAnswer = Put | { readonly kind: "conflict"; readonly last: undefined };

/** @param text The answer as it came. Never throws. */
export function putOf(text: string): PutAnswer {
  const { seq, error } = read(text);
  if (error === undefined) return isSequence(seq) ? { kind: "stored", seq } : { kind: "unknown" };
  const { err_code: code = 0, description = "" } = error;
  if (code === CODE.wrongLast || code === CODE.wrongLastUnknown) {
    const [, last] = /: (\d{1,15})$/.exec(description) ?? [];
    return { kind: "conflict", last: last === undefined ? undefined : Number(last) };
  }
  if (code === CODE.messageTooLarge) return { kind: "too_large" };
  const isFull = code === CODE.storeFailed && /maximum|no space|insufficient/.test(description);
  return { kind: isFull || FULL.includes(code) ? "full" : "unknown" };
}

/** @param text The answer to a removal as it came. Never throws. */
export function removalOf(text: string): "removed" | "absent" | "unknown" {
  const { success, error } = read(text);
  if (success === true) return "removed";
  const { err_code: code, description = "" } = error ?? {};
  if (code === CODE.noMessage) return "absent";
  // "EOF": no message has had that number yet.
  const isAbsent = code === CODE.deleteFailed &&
    /no message found|deleted message|EOF/.test(description);
  return isAbsent ? "absent" : "unknown";
}

/** Whether a stream itself answered to a write that cannot succeed. */
export function isOfStream(text: string): boolean {
  const { error } = read(text);
  return error !== undefined && error.code !== UNAVAILABLE;
}

interface Said {
  readonly seq?: unknown;
  readonly success?: unknown;
  readonly error?: {
    readonly code?: number;
    readonly err_code?: number;
    readonly description?: string;
  };
}

function read(text: string): Said {
  try {
    const said: unknown = JSON.parse(text);
    return typeof said === "object" && said !== null ? said : {};
  } catch {
    return {};
  }
}

function isSequence(seq: unknown): seq is number {
  return Number.isSafeInteger(seq) && (seq as number) > 0;
}
