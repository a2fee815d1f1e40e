/**
 * Spans by OpenTelemetry, which the runtime exports.
 *
 * @module
 */

import {
  type Attributes,
  type Context,
  context as active,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import type { Clock } from "../clock.ts";
import {
  isSampled,
  spanIdOf,
  type TraceContext,
  traceIdOf,
  traceparentOf,
} from "../codec/trace_context.ts";
import type { CallSpan, RequestSpan, TracedCall, Tracing } from "./tracing.ts";

/** Longest value of an attribute that comes from outside. */
const MAX_VALUE_CHARS = 255;

/**
 * Makes spans with the runtime's tracer. To be called only where it traces.
 *
 * Names follow OpenTelemetry's conventions for RPC and HTTP, and have few values: a client may invent
 * Actions, so the Action stands in `rpc.method` and a span is named `CALL` or `SEND`, one to the backend
 * `POST /call`. What has no convention is named as in the log. Payloads are never recorded.
 */
export function createTracing(clock: Clock): Tracing {
  const tracer = trace.getTracer("ws2api");

  function start(
    name: string,
    kind: SpanKind,
    parent: TraceContext | undefined,
    attributes: Attributes,
    waitedMs = 0,
  ): Span {
    const options = { kind, attributes };
    // In whole milliseconds, unlike the runtime's own: only where it tells something.
    const inPast = waitedMs >= 1 ? { ...options, startTime: clock.wallNow() - waitedMs } : options;
    return tracer.startSpan(name, inPast, placeOf(parent));
  }

  return {
    served(path, given) {
      const attributes = { "http.request.method": "POST" };
      return requestSpan(start(`POST ${path}`, SpanKind.SERVER, given, attributes), given);
    },
    fromClient(call, waitedMs) {
      const span = start(nameOf(call), SpanKind.SERVER, undefined, callAttributes(call), waitedMs);
      return callSpan(span, undefined);
    },
    toClient(call, parent) {
      return callSpan(start(nameOf(call), SpanKind.CLIENT, parent, callAttributes(call)), parent);
    },
    post(kind, path, parent) {
      const attributes = { "http.request.method": "POST", "url.path": `/${path}` };
      const span = start(`POST /${kind}`, SpanKind.CLIENT, parent, attributes);
      return requestSpan(span, parent);
    },
    run: (context, fetches) => active.with(placeOf(context), fetches),
  };
}

function nameOf({ kind }: TracedCall): string {
  return kind === "call" ? "CALL" : "SEND";
}

function callAttributes({ action, messageId, client }: TracedCall): Attributes {
  const { clientId, connectionId, protocol } = client;
  const attributes: Attributes = {
    "rpc.system.name": "ocpp",
    "rpc.method": action.slice(0, MAX_VALUE_CHARS),
    "ws2api.client_id": clientId,
    "ws2api.connection_id": connectionId,
    "ws2api.message_id": messageId,
  };
  if (protocol !== null) attributes["ws2api.protocol"] = protocol;
  return attributes;
}

function callSpan(span: Span, parent: TraceContext | undefined): CallSpan {
  return {
    context: contextOf(span, parent),
    end(fault, code) {
      if (code !== undefined) {
        span.setAttribute("rpc.response.status_code", code.slice(0, MAX_VALUE_CHARS));
      }
      if (fault !== null) fail(span, fault);
      span.end();
    },
  };
}

function requestSpan(span: Span, parent: TraceContext | undefined): RequestSpan {
  return {
    context: contextOf(span, parent),
    end(fault, status) {
      if (status !== undefined) span.setAttribute("http.response.status_code", status);
      if (fault !== null) fail(span, fault);
      span.end();
    },
  };
}

function fail(span: Span, fault: string): void {
  span.setAttribute("error.type", fault);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

/** The span's own place, with the tracestate of its parent. */
function contextOf(span: Span, parent: TraceContext | undefined): TraceContext {
  const { traceId, spanId, traceFlags } = span.spanContext();
  const traceparent = traceparentOf(traceId, spanId, traceFlags);
  return parent?.tracestate === undefined || traceIdOf(parent) !== traceId
    ? { traceparent }
    : { traceparent, tracestate: parent.tracestate };
}

/** Never what is active by chance: a socket's events run in the place of its upgrade. */
function placeOf(context: TraceContext | undefined): Context {
  if (context === undefined) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId: traceIdOf(context),
    spanId: spanIdOf(context),
    traceFlags: isSampled(context) ? 1 : 0,
    isRemote: true,
  });
}
