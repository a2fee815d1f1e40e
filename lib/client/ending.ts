/**
 * Why a client's connection ends, and what each side is told of it.
 *
 * @module
 */

import type { CloseReason } from "../metrics/labels.ts";
import type { SocketEnd } from "../socket/socket.ts";

export interface Ending {
  /** The close code (RFC 6455 §7.4.1): in the close frame, and for the backend. */
  readonly code: number;
  /** The close frame's reason, at most 123 bytes. */
  readonly reason: string;
  /** Why CALLs to this client end, for the backend. */
  readonly description: string;
  /** What it is counted as. */
  readonly cause: CloseReason;
  /** Whether the client has no claim to more work: it is cut soon, whether it takes the close frame or not. */
  readonly isCutSoon?: true;
  /** Whether what it sent, and what has not left, is dropped: it keeps that, and sends it again. */
  readonly dropsCalls?: true;
}

/** It ended without a close frame; never sent in one. */
export const ABNORMAL = 1006;

const NORMAL = 1000;
const GOING_AWAY = 1001;
const UNSUPPORTED_DATA = 1003;
const POLICY = 1008;
const TOO_BIG = 1009;
const TRY_AGAIN_LATER = 1013;

/** The client has a newer connection. */
export const REPLACED: Ending = {
  code: POLICY,
  reason: "replaced",
  description: "the client was replaced by a newer connection",
  cause: "replaced",
};

/** The operator's wish. */
export const BY_OPERATOR: Ending = {
  code: NORMAL,
  reason: "closed by the operator",
  description: "the client was disconnected by the operator",
  cause: "operator",
};

export const SHUTDOWN: Ending = {
  code: GOING_AWAY,
  reason: "shutting down",
  description: "the gateway is shutting down",
  cause: "shutdown",
};

/** Memory is needed; the socket is cut without a word. */
export const OUT_OF_MEMORY: Ending = {
  code: ABNORMAL,
  reason: "out of memory",
  description: "the client was disconnected: the gateway needs memory",
  cause: "memory",
};

export const BINARY: Ending = {
  code: UNSUPPORTED_DATA,
  reason: "text only",
  description: "the client sent a binary message",
  cause: "binary",
};

export const TOO_LARGE: Ending = {
  code: TOO_BIG,
  reason: "message too large",
  description: "the client sent a message that is too large",
  cause: "too_large",
};

export const NOT_READING: Ending = {
  code: POLICY,
  reason: "not reading",
  description: "the client does not read what is sent to it",
  cause: "not_reading",
};

export const QUEUE_FULL: Ending = {
  code: POLICY,
  reason: "queue full",
  description: "the client sent more than its queue holds",
  cause: "queue_full",
};

/** A client that has a CALL for a backend that is away: it works offline, and comes back. */
export const BACKEND_AWAY: Ending = {
  code: TRY_AGAIN_LATER,
  reason: "backend away",
  description: "the client was disconnected: the backend is away",
  cause: "backend_away",
  dropsCalls: true,
};

/** Empty texts, unknown types, answers to nothing, what is no frame, CALLs that cannot be taken. */
export const IDLE_FRAMES: Ending = {
  code: POLICY,
  reason: "too many frames that lead nowhere",
  description: "the client sent too many frames that lead nowhere",
  cause: "idle_frames",
  isCutSoon: true,
};

export const PARSE_TIME: Ending = {
  code: POLICY,
  reason: "too much to parse",
  description: "the client sent more than may be parsed in a second",
  cause: "parse_time",
  isCutSoon: true,
};

/** The client ended it, or it broke off. */
export function endedByClient({ wasClean, code, reason }: SocketEnd): Ending {
  const description = "the client disconnected";
  return wasClean
    ? { code, reason, description, cause: "client" }
    : { code: ABNORMAL, reason, description, cause: "lost" };
}
