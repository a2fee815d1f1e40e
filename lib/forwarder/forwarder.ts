/**
 * The way to the backend: one POST, one reply.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { hasErrorCode } from "../codec/reply.ts";
import type { RequestKind } from "../codec/route.ts";
import type { TraceContext } from "../codec/trace_context.ts";
import type { Origin } from "../identity.ts";
import type { Tracing } from "../trace/tracing.ts";

export interface BackendRequest {
  readonly kind: RequestKind;
  /** Below the backend's base URL, without a leading slash, percent-encoded. */
  readonly path: string;
  /** JSON. */
  readonly body: string;
  readonly origin: Origin;
  /** A UUID, the same in every try: the header `Webhook-Id`, which tells a repeat. */
  readonly webhookId?: string | undefined;
  /** The trace that it belongs to: the headers `traceparent` and `tracestate`. */
  readonly trace?: TraceContext | undefined;
  /** Nobody waits for it any more: while it has not left it need not. */
  readonly isVoid?: boolean;
}

/**
 * Whether a request carries what the backend waits for: how a CALL of its own ended, or that a client
 * could not use its answer. The backend can tell a repeated one by its `Webhook-Id`.
 */
export function isOutcome({ kind }: Pick<BackendRequest, "kind">): boolean {
  return kind === "result" || kind === "error" || kind === "resulterror";
}

/** Whether a request tells the backend what has happened, and asks nothing. */
export function isReport(request: Pick<BackendRequest, "kind">): boolean {
  return isOutcome(request) || request.kind === "disconnect";
}

/** Whether a request tells of a connection, and not of what comes over it. */
export function isHook({ kind }: Pick<BackendRequest, "kind">): boolean {
  return kind === "connect" || kind === "disconnect";
}

/** Why there is no answer. */
export type BackendFault =
  /** Refused, no route, no such name: the request provably never left. */
  | "unreachable"
  /** The whole answer did not come in time. The request may have arrived. */
  | "timeout"
  /** The connection broke, or what came is no HTTP answer. The request may have arrived. */
  | "broken"
  /** The answer is longer than allowed, or is no UTF-8: the request arrived. */
  | "unusable"
  /** The answer says in two ways how long it is, which may not both be so: the request arrived. */
  | "ambiguous"
  /** It waited too long for its turn: it never left. */
  | "overloaded"
  /** The backend is away, or was not back in time: it never left. Of CALLs alone. */
  | "away";

export type BackendReply =
  | {
    readonly ok: true;
    readonly status: number;
    readonly body: string;
    /** WWW-Authenticate of a 401, 403 or 404; null without one, or when it cannot be passed on. */
    readonly challenge?: string | null;
    /** Cache-Control, when there is one. */
    readonly cacheControl?: string;
    /** Retry-After, when there is one; not of a 401, 403 or 404. */
    readonly retryAfter?: string;
  }
  | {
    readonly ok: false;
    readonly fault: BackendFault;
    /** Of `away`: it waited in vain for a backend that cannot be reached. */
    readonly isHeld?: true;
  };

/** Whether an answer says that the backend behind whoever gave it is not there, or not up to it. */
export function isFailing(reply: BackendReply): boolean {
  return reply.ok && reply.status >= 502 && reply.status <= 504 && !hasErrorCode(reply.body);
}

/** Whether an answer to the connect hook is passed on, with its challenge. */
export function isRefusal(status: number): status is 401 | 403 | 404 {
  return status === 401 || status === 403 || status === 404;
}

/** What each implementation that reaches a backend is told. */
export interface ForwarderOptions {
  /** Base URL, ending with a slash; or, over TCP's own connections only, `unix:/path/of.socket`. */
  readonly backend: string;
  /** From sending to the whole answer; a connection that must be made before has as long once more. */
  readonly timeoutMs: number;
  /** The longest answer taken. */
  readonly maxBytes: number;
  /** Idle connections kept for reuse. */
  readonly maxIdleConnections: number;
  readonly userAgent: string;
  readonly clock: Clock;
  /** Keys that each try is signed with, one or two; undefined for no signature. */
  readonly signKeys?: readonly Uint8Array[] | undefined;
  /** Certificates (PEM) that are trusted beside the runtime's own. */
  readonly caCerts?: readonly string[] | undefined;
  /** Given when the runtime traces: it then adds a traceparent to each `fetch` itself. */
  readonly tracing?: Pick<Tracing, "run"> | undefined;
}

/** Who waits for a reply. */
export interface Requester {
  /** Called once. It owns its errors: a throw is a bug, and nobody is left to hear of it. */
  replied(reply: BackendReply): void;
}

export interface Forwarder {
  /**
   * Posts a request. Its reply always comes, maybe before this returns: connecting and the answer have a
   * time limit each.
   */
  forward(request: BackendRequest, requester: Requester): void;

  /** Lets go of the connections that it keeps. Nothing may be forwarded afterwards. */
  close(): void;
}

/** The same for those who wait by a promise, which costs more. Never rejects. */
export function ask(
  forwarder: Pick<Forwarder, "forward">,
  request: BackendRequest,
): Promise<BackendReply> {
  return new Promise((replied) => forwarder.forward(request, { replied }));
}
