/**
 * Tracing as the rest of the code sees it.
 *
 * @module
 */

import type { RequestKind } from "../codec/route.ts";
import type { TraceContext } from "../codec/trace_context.ts";

/** Whose CALL it is, and which. */
export interface TracedCall {
  readonly kind: "call" | "send";
  readonly action: string;
  readonly messageId: string;
  readonly client: {
    readonly clientId: string;
    readonly connectionId: string;
    readonly protocol: string | null;
  };
}

/** A CALL's span. */
export interface CallSpan {
  /** For what the CALL causes. */
  readonly context: TraceContext;
  /**
   * Ends it. Once only.
   *
   * @param fault Why the CALL failed, in a few fixed words; null when it did not.
   * @param code The code of a CALLERROR, from outside.
   */
  end(fault: string | null, code?: string): void;
}

/** One request to the backend. */
export interface PostSpan {
  readonly context: TraceContext;
  /**
   * Ends it. Once only.
   *
   * @param fault Why it failed, in a few fixed words; null when it did not.
   * @param status The answer's, if there was one.
   */
  end(fault: string | null, status?: number): void;
}

/** Makes spans. Where there is none, nothing is traced. */
export interface Tracing {
  /**
   * The place in a trace of what runs now.
   *
   * @param given What the request that is being served says; its tracestate is kept.
   * @returns Of the runtime's own span of that request; `given` when there is none.
   */
  current(given: TraceContext | undefined): TraceContext | undefined;
  /**
   * Begins the span of a client's CALL or SEND: a trace of its own, since a frame names none.
   *
   * @param waitedMs How long ago it came.
   */
  fromClient(call: TracedCall, waitedMs: number): CallSpan;
  /** Begins the span of a CALL to a client, which an API request asked for. */
  toClient(call: TracedCall, parent: TraceContext | undefined): CallSpan;
  /** Begins the span of one request to the backend. */
  post(kind: RequestKind, path: string, parent: TraceContext | undefined): PostSpan;
  /** Runs `fetch`, to which the runtime adds the traceparent itself, in this place of a trace. */
  run<T>(context: TraceContext | undefined, fetches: () => T): T;
}
