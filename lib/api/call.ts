/**
 * `POST /call/<Action>/<ClientId>/<MessageId>` and `POST /send/…`: the backend speaks to a client.
 *
 * @module
 */

import type { ClientReply, Refusal } from "../cluster/bus.ts";
import type { Clients } from "../cluster/clients.ts";
import type { AskedOnce, CallRequest } from "../cluster/once.ts";
import type { RequestKeys } from "../cluster/request_keys.ts";
import { errorBody } from "../codec/frame_text.ts";
import { readWaitSeconds } from "../codec/prefer.ts";
import { backendPath } from "../codec/route.ts";
import { readTraceContext, type TraceContext } from "../codec/trace_context.ts";
import type { Token } from "../config/token.ts";
import type { CallOutcome } from "../report/outcome.ts";
import type { Tracing } from "../trace/tracing.ts";
import { problem, respond, setHeader } from "../problem.ts";
import { describeViolation, type Violation } from "../validate/violation.ts";
import { type BodyRoom, readPayload, refusalHeaders } from "./body.ts";
import type { HttpRequest } from "../request.ts";
import { type KeyRead, readRequestKey } from "./idempotency.ts";
import { may } from "./may.ts";
import { BAD_TARGET, readTarget, type Target } from "./target.ts";

export interface CallDeps {
  readonly clients: Clients;
  /** Names each CALL. */
  readonly ids: { next(): string };
  readonly keys: RequestKeys;
  readonly maxMessageBytes: number;
  readonly bodies: BodyRoom;
  readonly isShuttingDown: () => boolean;
  /** Undefined when nothing is traced. */
  readonly tracing?: Tracing | undefined;
}

/** How far a CALL got: tells the caller whether it may be repeated. */
type Reach = "queued" | "not-sent" | "sent" | "answered";

/** What a request says of its place in a trace. */
function traceOf({ headers }: HttpRequest): TraceContext | undefined {
  const traceparent = headers.get("traceparent");
  return traceparent === null
    ? undefined
    : readTraceContext(traceparent, headers.get("tracestate"));
}

/** A problem that ends the request before anything left. */
function notSent(status: number, detail: string, headers: Record<string, string> = {}): Response {
  return problem(status, detail, { ...headers, "ws2api-outcome": "not-sent" });
}

/** What both kinds of request need first; a response when one of them is missing. */
async function prepare(
  request: HttpRequest,
  segments: readonly string[],
  deps: CallDeps,
  token: Token,
): Promise<Target & { payload: string } | Response> {
  const target = readTarget(segments);
  if (target === undefined) return notSent(400, BAD_TARGET);
  const missing = may(token, { kind: "command", ...target });
  if (missing !== null) return notSent(403, missing);
  const body = await readPayload(request, deps.maxMessageBytes, deps.bodies);
  if (!body.ok) return notSent(body.status, body.detail, refusalHeaders(body.status));
  // The body may have taken its time.
  if (deps.isShuttingDown()) return refusal("shutting_down");
  return { ...target, payload: body.payload };
}

/**
 * Sends a CALL to a client.
 *
 * @param request The request. With `Prefer: wait=SECONDS` the response waits for the client. Its
 *   `traceparent` goes along to the client's result on the backend.
 * @param segments The path behind `/call/`, three raw segments.
 * @param token Whose request it is.
 * @returns One of the statuses of the contract's section 6, each with `Ws2api-Outcome`.
 */
export async function handleCall(
  request: HttpRequest,
  segments: readonly string[],
  deps: CallDeps,
  token: Token,
): Promise<Response> {
  const given = traceOf(request);
  if (deps.tracing === undefined) return await sendCall(request, segments, deps, token, given);
  const span = deps.tracing.served("/call", given);
  let status = 500;
  try {
    const response = await sendCall(request, segments, deps, token, span.context);
    ({ status } = response);
    return response;
  } finally {
    span.end(status >= 500 ? `status ${status}` : null, status);
  }
}

/** @param trace The place that the CALL has in a trace. */
async function sendCall(
  request: HttpRequest,
  segments: readonly string[],
  deps: CallDeps,
  token: Token,
  trace: TraceContext | undefined,
): Promise<Response> {
  const { clients, keys, ids } = deps;
  const waitSeconds = readWaitSeconds(request.headers.get("prefer")) ?? null;
  const prepared = await prepare(request, segments, deps, token);
  if (prepared instanceof Response) return prepared;
  const call = { kind: "call", id: ids.next(), ...prepared, waitSeconds, trace } as const;
  const read: KeyRead = readRequestKey(request.headers, token, call);
  if (!read.ok) return notSent(400, read.detail);
  const { key } = read;
  if (key === undefined) return replyResponse(await clients.ask(call), call);
  const keyed: CallRequest = waitSeconds === null ? { ...call, key } : call;
  return onceResponse(await clients.askOnce(key, keyed, keys), call);
}

/** What came of a CALL with an `Idempotency-Key`. */
function onceResponse(asked: AskedOnce, call: CallRequest): Response {
  switch (asked.kind) {
    case "asked":
      return replyResponse(asked.reply, call);
    case "replayed": {
      const response = replyResponse(asked.reply, call);
      setHeader(response, "idempotency-replayed", "true");
      return response;
    }
    case "under_way":
      return notSent(409, "the first request with this Idempotency-Key is under way", {
        "retry-after": "1",
      });
    case "other_request":
      return notSent(422, "another request had this Idempotency-Key");
    case "full":
      return notSent(503, "no room for one more Idempotency-Key", { "retry-after": "5" });
    case "unavailable":
      return notSent(503, "others cannot be asked about the Idempotency-Key", {
        "retry-after": "2",
      });
    case "too_large":
      return problem(503, "the outcome is larger than the way between instances takes", {
        "retry-after": "2",
        "ws2api-outcome": "answered",
        "idempotency-replayed": "true",
      });
  }
}

function replyResponse(reply: ClientReply, call: CallRequest): Response {
  const { waitSeconds } = call;
  const seconds = waitSeconds ?? 0;
  switch (reply.kind) {
    case "accepted":
      return respond(null, 202, { "ws2api-outcome": "queued", location: locationOf(call) });
    case "outcome":
      return outcomeResponse(reply.outcome, seconds);
    case "no_answer":
      return noAnswer(reply.wasSent, seconds);
    case "refused":
      return reply.reason === "lost" && waitSeconds !== null
        ? problem(410, "the instance that held the client went", waitHeaders(seconds, "sent"))
        : refusal(reply.reason);
    case "invalid":
      return invalid(reply.violation);
    case "client":
      throw new TypeError(`${reply.kind} is no answer to a CALL`);
  }
}

/** Where its caller can ask how far it got. */
function locationOf({ action, clientId, messageId }: CallRequest): string {
  return `/${backendPath("call", action, encodeURIComponent(clientId), messageId)}`;
}

function refusal(reason: Refusal): Response {
  switch (reason) {
    case "duplicate":
      return notSent(409, "a CALL with this MessageId to this client is outstanding");
    case "full":
      return notSent(429, "the client's queue is full", { "retry-after": "1" });
    case "overloaded":
      return notSent(429, "the gateway is overloaded", { "retry-after": "1" });
    case "no_room":
      return notSent(
        503,
        "no room for one more report: the backend has not taken those of earlier CALLs",
        { "retry-after": "5" },
      );
    case "not_kept":
      return notSent(503, "the outbox cannot be written", { "retry-after": "5" });
    case "gone":
      return notSent(404, "no such client is connected");
    case "no_send":
      return notSent(409, "the client does not speak ocpp2.1");
    case "too_large":
      return notSent(413, "the body is larger than the way between instances takes");
    case "shutting_down":
      return notSent(503, "the gateway is shutting down", { "retry-after": "5" });
    case "unavailable":
      return notSent(503, "other instances cannot be reached", { "retry-after": "2" });
    case "lost":
      return problem(503, "the instance that holds the client gave no answer", {
        "retry-after": "2",
        "ws2api-outcome": "sent",
      });
  }
}

/** `errors` as in the example of RFC 9457 §3, with a plain JSON pointer. */
function invalid(violation: Violation): Response {
  const { pointer, text } = violation;
  const members = { errors: [{ pointer, detail: text }] };
  return problem(422, describeViolation(violation), { "ws2api-outcome": "not-sent" }, members);
}

function outcomeResponse(outcome: CallOutcome, seconds: number): Response {
  switch (outcome.kind) {
    case "result":
      return answered(200, outcome.payload, seconds);
    case "error":
      return answered(
        422,
        errorBody(outcome.codeText, outcome.descriptionText, outcome.details),
        seconds,
      );
    case "timeout":
      return noAnswer(true, seconds);
    case "gone":
      return problem(
        410,
        outcome.reason,
        waitHeaders(seconds, outcome.wasSent ? "sent" : "not-sent"),
      );
  }
}

function answered(status: number, body: string, seconds: number): Response {
  const type = { "content-type": "application/json" };
  return respond(body, status, { ...type, ...waitHeaders(seconds, "answered") });
}

function noAnswer(wasSent: boolean, seconds: number): Response {
  const detail = wasSent
    ? "the client did not answer in time"
    : "the client was busy with earlier CALLs all the time";
  return problem(504, detail, waitHeaders(seconds, wasSent ? "sent" : "not-sent"));
}

function waitHeaders(seconds: number, reach: Reach): Record<string, string> {
  return { "preference-applied": `wait=${seconds}`, "ws2api-outcome": reach };
}

/**
 * Sends a SEND to a client (OCPP 2.1 Part 4 §4.2.5). Nothing comes back.
 *
 * @param segments The path behind `/send/`, three raw segments.
 * @param token Whose request it is.
 * @returns 202; 409 when the client does not speak ocpp2.1; the refusals of `/call`.
 */
export async function handleSend(
  request: HttpRequest,
  segments: readonly string[],
  deps: CallDeps,
  token: Token,
): Promise<Response> {
  const prepared = await prepare(request, segments, deps, token);
  if (prepared instanceof Response) return prepared;
  const reply = await deps.clients.ask({ kind: "send", ...prepared });
  if (reply.kind === "invalid") return invalid(reply.violation);
  return reply.kind === "refused"
    ? refusal(reply.reason)
    : respond(null, 202, { "ws2api-outcome": "sent" });
}
