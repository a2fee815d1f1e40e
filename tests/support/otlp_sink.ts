/**
 * What a program exports by OpenTelemetry.
 *
 * @module
 */

import { inTime } from "./deadline.ts";

/** `SpanKind` as OTLP numbers it. */
export const SERVER = 2;
export const CLIENT = 3;

/** A span that was exported, as far as tests look at it. */
export interface SpanRecord {
  /** Who made it: `ws2api`, or the runtime. */
  readonly scope: string;
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root. */
  readonly parentSpanId: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly isError: boolean;
  readonly attributes: ReadonlyMap<string, string>;
}

interface OtlpSpan {
  name: string;
  kind: number;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  status?: { code?: number };
  attributes?: { key: string; value: Record<string, unknown> }[];
}

interface OtlpTraces {
  resourceSpans: { scopeSpans: { scope?: { name?: string }; spans: OtlpSpan[] }[] }[];
}

/** Takes OTLP over HTTP in its JSON form, and keeps the spans. */
export class OtlpSink implements AsyncDisposable {
  /** All spans, in the order of their arrival. */
  readonly spans: SpanRecord[] = [];
  /** Requests of any kind: spans, logs, metrics. */
  requests = 0;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #more = Promise.withResolvers<void>();

  constructor() {
    const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    this.#server = Deno.serve(options, async (request) => {
      this.requests++;
      const isTraces = new URL(request.url).pathname === "/v1/traces";
      const body = await request.text();
      if (isTraces) this.#take(JSON.parse(body));
      return Response.json({});
    });
  }

  /** Makes a program export to here, and often. */
  get env(): Record<string, string> {
    return {
      OTEL_DENO: "true",
      OTEL_DENO_CONSOLE: "ignore",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${this.#server.addr.port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_BSP_SCHEDULE_DELAY: "50",
    };
  }

  #take({ resourceSpans }: OtlpTraces): void {
    for (const { scope, spans } of resourceSpans.flatMap(({ scopeSpans }) => scopeSpans)) {
      for (const span of spans) this.spans.push(recordOf(scope?.name ?? "", span));
    }
    this.#more.resolve();
    this.#more = Promise.withResolvers();
  }

  /** The first span that fits, now or when it comes. */
  async span(what: string, fits: (span: SpanRecord) => boolean): Promise<SpanRecord> {
    for (;;) {
      const span = this.spans.find(fits);
      if (span !== undefined) return span;
      await inTime(this.#more.promise, `a span ${what}`);
    }
  }

  /** The span with this id. */
  withId(spanId: string): Promise<SpanRecord> {
    return this.span(`with the id ${spanId}`, (span) => span.spanId === spanId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

function recordOf(scope: string, span: OtlpSpan): SpanRecord {
  const { name, kind, traceId, spanId, parentSpanId = "", status, attributes = [] } = span;
  return {
    scope,
    name,
    kind,
    traceId,
    spanId,
    parentSpanId,
    startMs: Number(span.startTimeUnixNano) / 1e6,
    endMs: Number(span.endTimeUnixNano) / 1e6,
    isError: status?.code === 2,
    attributes: new Map(
      attributes.map(({ key, value }) => [key, String(Object.values(value)[0])]),
    ),
  };
}
