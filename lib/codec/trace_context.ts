/**
 * W3C Trace Context: the headers `traceparent` and `tracestate` (pure).
 *
 * @module
 */

/** A place in a trace, as two header values. Plain, so that it can go to other instances. */
export interface TraceContext {
  /** `00-<trace id>-<span id>-<flags>` */
  readonly traceparent: string;
  /** What tracing systems say to each other; as it came. */
  readonly tracestate?: string;
}

/** §3.2: lower case alone. What later versions add behind a further dash is not looked at. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
/** §3.3.1.1, but for the order of characters in a key: what tells one from another is not our concern. */
const TRACESTATE = /^[ \t]*[a-z0-9][a-z0-9_\-*/@]*=[ -~]*$/;
/** Vendors should pass on at least so much of it (§3.3.1.5), and more is a burden. */
const MAX_STATE_CHARS = 512;

/**
 * Reads the place in a trace that a request says it belongs to.
 *
 * @param traceparent The header's value. Two of them in one are none.
 * @param tracestate Null without one; one that is not valid or too long is dropped alone (§4.3).
 * @returns Undefined when the traceparent is not valid. What is returned can stand in a request's
 *   head: visible ASCII and blanks.
 *
 * @example
 * ```ts
 * import { readTraceContext } from "./trace_context.ts";
 * import { deepStrictEqual } from "node:assert/strict";
 *
 * const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
 * deepStrictEqual(readTraceContext(traceparent, null), { traceparent });
 * ```
 */
export function readTraceContext(
  traceparent: string,
  tracestate: string | null,
): TraceContext | undefined {
  const [, version, traceId, spanId, flags, rest] = TRACEPARENT.exec(traceparent) ?? [];
  if (version === undefined || version === "ff" || (version === "00" && rest !== undefined)) {
    return undefined;
  }
  if (/^0+$/.test(traceId!) || /^0+$/.test(spanId!)) return undefined;
  // Of another version's flags only the first one is known (§4.3).
  const context = { traceparent: traceparentOf(traceId!, spanId!, parseInt(flags!, 16)) };
  const isKept = tracestate !== null && tracestate.length <= MAX_STATE_CHARS &&
    TRACESTATE.test(tracestate);
  return isKept ? { ...context, tracestate } : context;
}

/**
 * Writes a traceparent of version 00.
 *
 * @param flags Only the lowest bit counts: whether the trace is recorded.
 */
export function traceparentOf(traceId: string, spanId: string, flags: number): string {
  return `00-${traceId}-${spanId}-${(flags & 1) === 1 ? "01" : "00"}`;
}

/** The trace id in a traceparent that is valid. */
export function traceIdOf({ traceparent }: TraceContext): string {
  return traceparent.slice(3, 35);
}

/** The span id in a traceparent that is valid. */
export function spanIdOf({ traceparent }: TraceContext): string {
  return traceparent.slice(36, 52);
}

/** Whether the trace is recorded, by a traceparent that is valid. */
export function isSampled({ traceparent }: TraceContext): boolean {
  return traceparent.endsWith("1");
}

/**
 * The headers: the traceparent, then the tracestate if there is one. A context may have come from another instance: what is no visible ASCII
 * or blank stays out, so that nothing can end a line.
 */
export function traceHeaders({ traceparent, tracestate }: TraceContext): [string, string][] {
  const headers: [string, string][] = [["traceparent", traceparent.replace(/[^ -~]/g, "")]];
  if (tracestate !== undefined) headers.push(["tracestate", tracestate.replace(/[^ -~]/g, "")]);
  return headers;
}
