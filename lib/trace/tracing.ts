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

/** One HTTP request, to the backend or to the API. */
export interface RequestSpan {
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
   * Begins the span of an API request, which is served now.
   *
   * @param given What the request says of its own place; its tracestate is kept.
   */
  served(path: string, given: TraceContext | undefined): RequestSpan;
  /**
   * Begins the span of a client's CALL or SEND: a trace of its own, since a frame names none.
   *
   * @param waitedMs How long ago it came.
   */
  fromClient(call: TracedCall, waitedMs: number): CallSpan;
  /** Begins the span of a CALL to a client, which an API request asked for. */
  toClient(call: TracedCall, parent: TraceContext | undefined): CallSpan;
  /** Begins the span of one request to the backend. */
  post(kind: RequestKind, path: string, parent: TraceContext | undefined): RequestSpan;
  /** Runs `fetch`, to which the runtime adds the traceparent itself, in this place of a trace. */
  run<T>(context: TraceContext | undefined, fetches: () => T): T;
}
