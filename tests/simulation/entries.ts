/**
 * What the books are about.
 *
 * @module
 */

import type { RequestKind } from "../../lib/codec/route.ts";
import type { BackendReply } from "../../lib/forwarder/forwarder.ts";

/** One POST, as it left an instance. */
export interface Attempt {
  readonly instance: string;
  readonly kind: RequestKind;
  readonly path: string;
  readonly body: string;
  readonly webhookId: string | undefined;
  readonly connectionId: string;
  readonly beganAt: number;
  /** Whether the backend got it, and what it said. */
  status: number | undefined;
  /** What the instance was told; undefined while it waits, or when it died. */
  reply: BackendReply | undefined;
  repliedAt: number;
  /** Its instance has died, and will hear of nothing. */
  isOrphan: boolean;
}

/** One `POST /call/…`. */
export interface ApiRequest {
  readonly instance: string;
  readonly askedAt: number;
  /** Undefined before it is answered, and for ever when the instance died; 0 when nobody listened. */
  status: number | undefined;
  answeredAt: number;
  outcome: string | null;
  body: string;
  isReplay: boolean;
}

/** What the backend wants of a client: one request, or several with one `Idempotency-Key`. */
export interface ApiCall {
  readonly token: string;
  readonly clientId: string;
  readonly messageId: string;
  readonly waitSeconds: number | null;
  readonly key: string | null;
  readonly askedAt: number;
  readonly requests: ApiRequest[];
  /** The one that counts: that was accepted, or the last one that was answered. */
  answer: ApiRequest | undefined;
  /** Frames with it that left for a client. */
  frames: number;
  readonly reportIds: Set<string>;
}

/** A CALL or SEND of a client. */
export interface ClientCall {
  readonly token: string;
  readonly kind: "call" | "send";
  readonly clientId: string;
  readonly messageId: string;
  /** Its connection, and which of the CALLs of it. */
  readonly line: number;
  readonly instance: string;
  readonly index: number;
  /** When an instance got it, each time. */
  readonly arrivals: number[];
  /** Its connection was closed with 1013, and it was not answered. */
  isDropped: boolean;
  /** How often the client sent it: each time it may be forwarded, once the one before is answered. */
  sent: number;
  forwarded: number;
  readonly attempts: Attempt[];
}

/** What one instance did with a report. */
export interface ReportLife {
  readonly attempts: Attempt[];
  /** When it said that it does not try it any more. */
  parkedAt: number | undefined;
  wasParked: boolean;
  /** An operator wanted it tried again since. */
  mayRetry: boolean;
  /** Tries before the instance inherited again what it had lost: another one may have decided what it says. */
  returned: number;
  /** Tries before the last time that it was tried again: they do not count any more. */
  past: number;
  /** Answers that came and were no 2xx. */
  badAnswers: number;
  badSince: number;
}

export interface Report {
  readonly id: string;
  readonly first: Attempt;
  readonly call: ApiCall | undefined;
  readonly lives: Map<string, ReportLife>;
}

export function isTaken(reply: BackendReply | undefined): boolean {
  return reply !== undefined && reply.ok && reply.status >= 200 && reply.status <= 299;
}

/** Whether the backend said that it never takes this. */
export function isFinal(reply: BackendReply | undefined): boolean {
  if (reply === undefined || !reply.ok || isTaken(reply)) return false;
  return ![408, 425, 429].includes(reply.status) && reply.status < 500;
}

/** Whether the gateway accepted the CALL, whatever it said of its outcome. */
export function isAccepted({ status, outcome }: ApiRequest): boolean {
  return status === 202 || status === 200 || outcome === "answered" || outcome === "sent" ||
    (outcome === "not-sent" && (status === 504 || status === 410));
}

export function clientOf({ kind, path }: Pick<Attempt, "kind" | "path">): string {
  const parts = path.split("/");
  return (kind === "disconnect" || kind === "connect" ? parts[1] : parts[2])!;
}
