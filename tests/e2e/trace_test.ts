import { deepStrictEqual, match, notStrictEqual, ok, strictEqual } from "node:assert/strict";
import { json, type Recorded, RecordingBackend } from "../support/backend.ts";
import { TestClient } from "../support/client.ts";
import { inTime } from "../support/deadline.ts";
import { CLIENT, OtlpSink, SERVER, type SpanRecord } from "../support/otlp_sink.ts";
import { type Program, startProgram, urlOf } from "../support/program.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER_ID = "00f067aa0ba902b7";
const GIVEN = { traceparent: `00-${TRACE_ID}-${CALLER_ID}-01`, tracestate: "vendor=opaque" };

/** A program that is traced, with a client and what stands around them. */
class Traced implements AsyncDisposable {
  readonly sink = new OtlpSink();
  readonly backend = new RecordingBackend();
  readonly program: Program;
  readonly clients: TestClient[] = [];
  url = "";

  private constructor(flags: readonly string[], env: Record<string, string>) {
    this.program = startProgram([
      ...["--listen=127.0.0.1:0", `--backend=${this.backend.url}`, ...flags],
    ], { ...this.sink.env, ...env });
  }

  static async start(
    flags: readonly string[] = [],
    env: Record<string, string> = {},
  ): Promise<Traced> {
    const traced = new Traced(flags, env);
    try {
      traced.url = await urlOf(traced.program);
    } catch (error) {
      await traced[Symbol.asyncDispose]();
      throw error;
    }
    return traced;
  }

  async connect(id: string, protocol = "ocpp1.6"): Promise<TestClient> {
    const client = new TestClient(`${this.url.replace("http", "ws")}/${id}`, {
      protocols: [protocol],
    });
    this.clients.push(client);
    await inTime(client.opened, `the upgrade of ${id}`);
    return client;
  }

  /** `POST /call/<path>`, over a connection of its own, so that any worker may get it. */
  async call(path: string, headers: Record<string, string> = {}): Promise<number> {
    using http = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
    const init = { method: "POST", headers, body: '{"secret":1}', client: http };
    const response = await inTime(fetch(`${this.url}/call/${path}`, init), path);
    await response.body?.cancel();
    return response.status;
  }

  /** The spans from this one up to the root, or to one of somebody else. */
  async upFrom(spanId: string): Promise<SpanRecord[]> {
    const span = await this.sink.withId(spanId);
    const isLast = span.parentSpanId === "" || span.parentSpanId === CALLER_ID;
    return isLast ? [span] : [span, ...await this.upFrom(span.parentSpanId)];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
    for (const client of this.clients) await client.whenClosed();
    await this.backend[Symbol.asyncDispose]();
    await this.sink[Symbol.asyncDispose]();
  }
}

/** The ids in the one traceparent of a request. */
function placeOf({ headers }: Recorded): { traceId: string; spanId: string } {
  const value = headers.get("traceparent") ?? "";
  match(value, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  return { traceId: value.slice(3, 35), spanId: value.slice(36, 52) };
}

function shapes(spans: readonly SpanRecord[]): string[] {
  return spans.map(({ scope, name, kind }) => `${scope} ${name} ${kind}`);
}

const CALL_TO_BACKEND: Record<string, string[]> = {
  tcp: [`ws2api POST /call ${CLIENT}`, `ws2api CALL ${SERVER}`],
  // The runtime has a span of its own for each `fetch`.
  fetch: [`deno POST ${CLIENT}`, `ws2api POST /call ${CLIENT}`, `ws2api CALL ${SERVER}`],
};

for (const forwarder of ["tcp", "fetch"]) {
  Deno.test(`${forwarder}: a client's CALL is a trace, and the backend is told its place in it`, async () => {
    await using traced = await Traced.start([`--forwarder=${forwarder}`]);
    const client = await traced.connect("CP 1");
    const traceIds = new Set<string>();
    for (const id of ["c1", "c2"]) {
      strictEqual(await client.ask(`[2,"${id}","Heartbeat",{"secret":1}]`), `[3,"${id}",{}]`);
      const place = placeOf(await traced.backend.next("/call/"));
      const spans = await traced.upFrom(place.spanId);
      deepStrictEqual(shapes(spans), CALL_TO_BACKEND[forwarder]);
      ok(spans.every(({ traceId, isError }) => traceId === place.traceId && !isError));
      traceIds.add(place.traceId);
      const call = spans.at(-1)!;
      strictEqual(call.parentSpanId, "");
      const { "ws2api.connection_id": connectionId, ...attributes } = Object.fromEntries(
        call.attributes,
      );
      strictEqual(connectionId, traced.backend.requests[0]!.headers.get("x-ws2api-connection"));
      deepStrictEqual(attributes, {
        "rpc.system.name": "ocpp",
        "rpc.method": "Heartbeat",
        "ws2api.client_id": "CP 1",
        "ws2api.message_id": id,
        "ws2api.protocol": "ocpp1.6",
      });
      deepStrictEqual(Object.fromEntries(spans.at(-2)!.attributes), {
        "http.request.method": "POST",
        "http.response.status_code": "200",
        "url.path": `/call/Heartbeat/CP%201/${id}`,
      });
    }
    strictEqual(traceIds.size, 2);
  });

  Deno.test(`${forwarder}: the result of an API call goes to the backend in the caller's trace`, async () => {
    await using traced = await Traced.start([`--forwarder=${forwarder}`]);
    const client = await traced.connect("CP1");
    strictEqual(await traced.call("Reset/CP1/r1", GIVEN), 202);
    await client.next('[2,"r1"');
    client.send('[3,"r1",{}]');
    const result = await traced.backend.next("/result/");
    const place = placeOf(result);
    strictEqual(place.traceId, TRACE_ID);
    strictEqual(result.headers.get("tracestate"), GIVEN.tracestate);
    const spans = await traced.upFrom(place.spanId);
    ok(spans.every(({ traceId, isError }) => traceId === TRACE_ID && !isError));
    deepStrictEqual(shapes(spans), [
      ...(forwarder === "tcp" ? [] : [`deno POST ${CLIENT}`]),
      `ws2api POST /result ${CLIENT}`,
      `ws2api CALL ${CLIENT}`,
      `ws2api POST /call ${SERVER}`,
    ]);
    strictEqual(spans.at(-1)!.parentSpanId, CALLER_ID);
    const { attributes } = spans.at(-2)!;
    deepStrictEqual(
      ["rpc.method", "ws2api.client_id", "ws2api.message_id"].map((name) => attributes.get(name)),
      ["Reset", "CP1", "r1"],
    );
  });
}

Deno.test("an API call without a valid traceparent begins a trace of its own", async () => {
  await using traced = await Traced.start();
  const client = await traced.connect("CP1");
  const rows = [undefined, `00-${"0".repeat(32)}-${CALLER_ID}-01`, `00-${TRACE_ID}`];
  for (const [i, traceparent] of rows.entries()) {
    await traced.call(`Reset/CP1/r${i}`, traceparent === undefined ? {} : { traceparent });
    await client.next(`[2,"r${i}"`);
    client.send(`[3,"r${i}",{}]`);
    const place = placeOf(await traced.backend.next("/result/"));
    notStrictEqual(place.traceId, TRACE_ID);
    const root = (await traced.upFrom(place.spanId)).at(-1)!;
    deepStrictEqual([root.scope, root.kind, root.parentSpanId], ["ws2api", SERVER, ""]);
  }
});

Deno.test("with Prefer: wait the CALL lies within its request, whatever becomes of it", async () => {
  await using traced = await Traced.start();
  const client = await traced.connect("CP1");
  const rows: [id: string, answer: string | null, status: number, fault?: string, code?: string][] =
    [
      ["w1", '[3,"w1",{}]', 200],
      ["w2", '[4,"w2","NotSupported","",{}]', 422, "callerror", "NotSupported"],
      ["w3", null, 504, "no_answer"],
    ];
  for (const [id, answer, status, fault, code] of rows) {
    const answered = traced.call(`Reset/CP1/${id}`, { ...GIVEN, prefer: "wait=1" });
    await client.next(`[2,"${id}"`);
    if (answer !== null) client.send(answer);
    strictEqual(await answered, status);
    const call = await traced.sink.span(
      id,
      ({ attributes }) => attributes.get("ws2api.message_id") === id,
    );
    const [, request] = await traced.upFrom(call.spanId);
    strictEqual(request!.parentSpanId, CALLER_ID);
    ok(request!.startMs <= call.startMs && call.endMs <= request!.endMs);
    const { attributes, isError } = call;
    deepStrictEqual(
      [isError, attributes.get("error.type"), attributes.get("rpc.response.status_code")],
      [fault !== undefined, fault, code],
    );
  }
});

Deno.test("spans of what failed are errors", async () => {
  await using traced = await Traced.start(["--call-timeout=200ms"]);
  const client = await traced.connect("CP1");
  traced.backend.answer = () => json("{}", 500);
  match(await client.ask('[2,"c1","Heartbeat",{}]'), /^\[4,"c1","InternalError"/);
  const place = placeOf(await traced.backend.next("/call/"));
  const [post, call] = await traced.upFrom(place.spanId);
  deepStrictEqual([post!.isError, post!.attributes.get("error.type")], [true, "500"]);
  deepStrictEqual([call!.isError, call!.attributes.get("error.type")], [true, "callerror"]);
  strictEqual(call!.attributes.get("rpc.response.status_code"), "InternalError");
  match(await traced.program.logged("backend failed"), new RegExp(`traceId="${place.traceId}"`));

  traced.backend.answer = () => json("{}");
  await traced.call("Reset/CP1/r1", GIVEN);
  await client.next('[2,"r1"');
  const error = placeOf(await traced.backend.next("/error/"));
  strictEqual(error.traceId, TRACE_ID);
  const [, silent] = await traced.upFrom(error.spanId);
  deepStrictEqual([silent!.isError, silent!.attributes.get("error.type")], [true, "timeout"]);
});

Deno.test("each try to reach the backend has its span", async () => {
  await using traced = await Traced.start(["--retries=1"]);
  await traced.backend[Symbol.asyncDispose]();
  const client = await traced.connect("CP1", "ocpp2.1");
  client.send('[6,"s1","NotifyPeriodicEventStream",{}]');
  const unreachable = await traced.sink.span(
    "of a SEND that reached nobody",
    ({ attributes }) => attributes.get("ws2api.message_id") === "s1",
  );
  strictEqual(unreachable.attributes.get("error.type"), "unreachable");
  const tries = traced.sink.spans.filter(({ parentSpanId }) => parentSpanId === unreachable.spanId);
  deepStrictEqual(tries.map(({ isError }) => isError), [true, true], "a span for each try");
});

Deno.test("a trace goes on in another worker", async () => {
  await using traced = await Traced.start(["--workers=2"]);
  // Chance says which worker is asked: of 24 CALLs some are for a client of the other one.
  for (let i = 0; i < 8; i++) {
    const client = await traced.connect(`CP${i}`);
    strictEqual(await client.ask(`[2,"c${i}","Heartbeat",{}]`), `[3,"c${i}",{}]`);
    const called = placeOf(await traced.backend.next("/call/"));
    deepStrictEqual(shapes(await traced.upFrom(called.spanId)), CALL_TO_BACKEND.tcp);
    for (const id of ["r1", "r2", "r3"]) {
      strictEqual(await traced.call(`Reset/CP${i}/${id}`, GIVEN), 202);
      await client.next(`[2,"${id}"`);
      client.send(`[3,"${id}",{}]`);
      const result = await traced.backend.next("/result/");
      const place = placeOf(result);
      deepStrictEqual(shapes(await traced.upFrom(place.spanId)), [
        `ws2api POST /result ${CLIENT}`,
        `ws2api CALL ${CLIENT}`,
        `ws2api POST /call ${SERVER}`,
      ]);
      strictEqual(place.traceId, TRACE_ID);
      strictEqual(result.headers.get("tracestate"), GIVEN.tracestate);
    }
  }
});

for (const forwarder of ["tcp", "fetch"]) {
  Deno.test(`${forwarder}: without OTEL_DENO nothing is exported, and a caller's trace context passes through`, async () => {
    await using traced = await Traced.start([`--forwarder=${forwarder}`], { OTEL_DENO: "false" });
    const client = await traced.connect("CP1");
    await client.ask('[2,"c1","Heartbeat",{}]');
    strictEqual((await traced.backend.next("/call/")).headers.get("traceparent"), null);
    for (const [id, given] of [["r1", GIVEN], ["r2", {}]] as const) {
      await traced.call(`Reset/CP1/${id}`, given);
      await client.next(`[2,"${id}"`);
      client.send(`[3,"${id}",{}]`);
      const { headers } = await traced.backend.next("/result/");
      deepStrictEqual(
        ["traceparent", "tracestate"].map((name) => headers.get(name)),
        id === "r1" ? [GIVEN.traceparent, GIVEN.tracestate] : [null, null],
      );
    }
    traced.program.signal("SIGTERM");
    strictEqual((await traced.program.ended()).code, 0);
    strictEqual(traced.sink.requests, 0);
  });
}
