/**
 * `POST /call/<Action>/<ClientId>/<MessageId>` and `POST /send/…`: the backend speaks to a client.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { errorBody, isAction, isMessageId } from "../codec/frame.ts";
import { readWaitSeconds } from "../codec/prefer.ts";
import { decodeClientId, decodeSegment } from "../codec/route.ts";
import type { Backlog } from "../connection/backlog.ts";
import type { Connection } from "../connection/connection.ts";
import type { ConnectionMap } from "../connection/map.ts";
import type { CallOutcome, OutgoingCall } from "../connection/pending.ts";
import { problem } from "../problem.ts";
import { readPayload } from "./body.ts";

export interface CallDeps {
  readonly connections: ConnectionMap<Connection>;
  readonly backlog: Backlog;
  readonly clock: Clock;
  readonly maxMessageBytes: number;
  readonly isShuttingDown: () => boolean;
}

/** How far a CALL got: tells the caller whether it may be repeated. */
type Reach = "queued" | "not-sent" | "sent" | "answered";

/** The path's segments, decoded and checked. */
interface Target {
  readonly action: string;
  readonly clientId: string;
  readonly messageId: string;
}

function readTarget(segments: readonly string[]): Target | undefined {
  const action = decodeSegment(segments[0] ?? "");
  const clientId = decodeClientId(segments[1] ?? "");
  const messageId = decodeSegment(segments[2] ?? "");
  if (action === undefined || clientId === undefined || messageId === undefined) return undefined;
  return isAction(action) && isMessageId(messageId) ? { action, clientId, messageId } : undefined;
}

/** A problem that ends the request before anything left. */
function notSent(status: number, detail: string, headers: Record<string, string> = {}): Response {
  return problem(status, detail, { ...headers, "ws2api-outcome": "not-sent" });
}

/** What both kinds of request need first; a response when one of them is missing. */
async function prepare(
  request: Request,
  segments: readonly string[],
  deps: CallDeps,
): Promise<{ target: Target; payload: string; connection: Connection } | Response> {
  const target = readTarget(segments);
  if (target === undefined) {
    return notSent(400, "the path must be <Action>/<ClientId>/<MessageId>, each a valid segment");
  }
  const body = await readPayload(request, deps.maxMessageBytes);
  if (!body.ok) return notSent(body.status, body.detail);
  // The body may have taken its time.
  if (deps.isShuttingDown()) {
    return notSent(503, "the gateway is shutting down", { "retry-after": "5" });
  }
  const connection = deps.connections.get(target.clientId);
  if (connection === undefined) return notSent(404, "no such client is connected");
  return { target, payload: body.payload, connection };
}

/**
 * Sends a CALL to a client.
 *
 * @param request The request. With `Prefer: wait=SECONDS` the response waits for the client.
 * @param segments The path behind `/call/`, three raw segments.
 * @returns One of the statuses of the contract's section 6, each with `Ws2api-Outcome`.
 */
export async function handleCall(
  request: Request,
  segments: readonly string[],
  deps: CallDeps,
): Promise<Response> {
  const waitSeconds = readWaitSeconds(request.headers.get("prefer"));
  const prepared = await prepare(request, segments, deps);
  if (prepared instanceof Response) return prepared;
  const { target, payload, connection } = prepared;
  if (deps.backlog.isFull) {
    return notSent(429, "the gateway is overloaded", { "retry-after": "1" });
  }
  const { action, messageId } = target;
  if (waitSeconds !== undefined) {
    return await waitForOutcome(
      connection,
      { action, messageId, payload },
      waitSeconds,
      deps.clock,
    );
  }
  const taken = connection.callForBackend({ action, messageId, payload });
  if (taken !== "accepted") return refusal(taken);
  return new Response(null, { status: 202, headers: { "ws2api-outcome": "queued" } });
}

function refusal(taken: "duplicate" | "full" | "gone"): Response {
  switch (taken) {
    case "duplicate":
      return notSent(409, "a CALL with this MessageId to this client is outstanding");
    case "full":
      return notSent(429, "the client's queue is full", { "retry-after": "1" });
    case "gone":
      return notSent(404, "no such client is connected");
  }
}

function waitForOutcome(
  connection: Connection,
  call: Omit<OutgoingCall, "onOutcome">,
  seconds: number,
  clock: Clock,
): Promise<Response> {
  return new Promise((resolve) => {
    const timer = clock.setTimeout(() => {
      resolve(noAnswer(connection.abandon(waited), seconds));
    }, seconds * 1000);
    const waited: OutgoingCall = {
      ...call,
      onOutcome(outcome) {
        clock.clearTimeout(timer);
        resolve(outcomeResponse(outcome, seconds));
      },
    };
    const taken = connection.call(waited);
    if (taken === "accepted") return;
    clock.clearTimeout(timer);
    resolve(refusal(taken));
  });
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
  return new Response(body, {
    status,
    headers: { "content-type": "application/json", ...waitHeaders(seconds, "answered") },
  });
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
 * @returns 202; 409 when the client does not speak ocpp2.1; the refusals of `/call`.
 */
export async function handleSend(
  request: Request,
  segments: readonly string[],
  deps: CallDeps,
): Promise<Response> {
  const prepared = await prepare(request, segments, deps);
  if (prepared instanceof Response) return prepared;
  const { target, payload, connection } = prepared;
  if (connection.protocol !== "ocpp2.1") return notSent(409, "the client does not speak ocpp2.1");
  if (!connection.send(target.messageId, target.action, payload)) return refusal("gone");
  return new Response(null, { status: 202, headers: { "ws2api-outcome": "sent" } });
}
