/**
 * The way to the backend: one POST, one reply.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
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
  /** The trace that it belongs to: the headers `traceparent` and `tracestate`. */
  readonly trace?: TraceContext | undefined;
}

/**
 * Whether a request carries what the backend waits for: how a CALL of its own ended, or that a client
 * could not use its answer. The backend can tell a repeated one by its URL.
 */
export function isOutcome({ kind }: Pick<BackendRequest, "kind">): boolean {
  return kind === "result" || kind === "error" || kind === "resulterror";
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
  /** It waited too long for its turn: it never left. */
  | "overloaded";

export type BackendReply =
  | {
    readonly ok: true;
    readonly status: number;
    readonly body: string;
    /** WWW-Authenticate of a 401 or 403. */
    readonly challenge?: string | null;
    /** Cache-Control, when there is one. */
    readonly cacheControl?: string;
  }
  | { readonly ok: false; readonly fault: BackendFault };

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
  /** Key that each try is signed with; undefined for no signature. */
  readonly signKey?: Uint8Array | undefined;
  /** Certificates (PEM) that are trusted beside the runtime's own. */
  readonly caCerts?: readonly string[] | undefined;
  /** Given when the runtime traces: it then adds a traceparent to each `fetch` itself. */
  readonly tracing?: Pick<Tracing, "run"> | undefined;
}

export interface Forwarder {
  /**
   * Posts once and waits for the whole answer. Never rejects, and always ends: connecting and the
   * answer have a time limit each.
   */
  forward(request: BackendRequest): Promise<BackendReply>;

  /** Lets go of the connections that it keeps. Nothing may be forwarded afterwards. */
  close(): void;
}
