/**
 * The API's resources, as OpenAPI has them.
 *
 * @module
 */

import { OUTBOX_PATHS } from "./outbox_paths.ts";
import {
  content,
  ELSEWHERE,
  headers,
  json,
  type Node,
  problem,
  ref,
  REFUSALS,
  sometimes,
} from "./parts.ts";
import { RECORDING_PATHS } from "./recording_paths.ts";

const NAMES = ["Action", "ClientId", "MessageId"].map((name) => ref("parameters", name));
const BODY = { content: json("Payload") };
const TEXT = content("text/plain", { type: "string" });

const NO_CLIENT = problem("No such client is connected.");

/** What `POST /call` and `POST /send` refuse alike; nothing was sent. */
const NOT_SENT = {
  "400": problem("A name is not valid, or the body is no JSON object.", "Ws2api-Outcome"),
  "401": problem("The token is missing or wrong.", "Ws2api-Outcome", "WWW-Authenticate"),
  "403": problem("The token may not, or a page of another origin asks.", "Ws2api-Outcome"),
  "404": problem("No such client is connected.", "Ws2api-Outcome"),
  "413": problem("The body is longer than `--max-message`.", "Ws2api-Outcome"),
  "429": problem("The client's queue is full, or the gateway's.", "Ws2api-Outcome", "Retry-After"),
  "500": problem("A fault of the gateway's own.", "Ws2api-Outcome"),
};
const BUSY = ["Ws2api-Outcome", "Retry-After"] as const;
const BUSY_TEXT = "The gateway is shutting down, or who holds the client cannot be asked";
const WAITED = ["Ws2api-Outcome", "Preference-Applied", "Idempotency-Replayed"] as const;

function answered(description: string, body: Node): Node {
  return { description, headers: headers(...WAITED), content: body };
}

const CALL = {
  parameters: NAMES,
  post: {
    operationId: "call",
    summary: "Sends a CALL to a client",
    description:
      "Its outcome comes as one of the webhooks `result` and `error`, or, with `Prefer: " +
      "wait`, as the response.",
    tags: ["commands"],
    parameters: ["Prefer", "IdempotencyKey", "Traceparent"].map((name) => ref("parameters", name)),
    requestBody: BODY,
    responses: {
      "202": {
        description: "Taken: `result` or `error` follows.",
        headers: headers("Ws2api-Outcome", "Location", "Idempotency-Replayed"),
      },
      "200": answered("`Prefer: wait`: the client's CALLRESULT.", json("Payload")),
      "422": {
        ...answered(
          "`Prefer: wait`: the client's CALLERROR. Or, as a problem: the payload is not as " +
            "`--validate strict` wants it, or another request had this `Idempotency-Key`.",
          {
            ...json("CallError"),
            ...content("application/problem+json", ref("schemas", "Problem")),
          },
        ),
        headers: {
          ...headers("Ws2api-Outcome", "Idempotency-Replayed"),
          ...sometimes("Preference-Applied"),
        },
      },
      ...NOT_SENT,
      "409": {
        ...problem(
          "A CALL with this MessageId to this client has not ended; or, with `Retry-After`, the " +
            "first request with this `Idempotency-Key` has not been answered.",
        ),
        headers: { ...headers("Ws2api-Outcome"), ...sometimes("Retry-After") },
      },
      "410": problem("`Prefer: wait`: the client went before it answered.", ...WAITED),
      "503": problem(
        `${BUSY_TEXT}; no room for one more report or \`Idempotency-Key\`; the outbox cannot be ` +
          "written. With `Idempotency-Replayed`: the answer is too large to be told by another " +
          "instance.",
        ...[...BUSY, "Idempotency-Replayed"] as const,
      ),
      "504": problem(
        "`Prefer: wait`: no answer in time. It stays outstanding; a late answer is dropped.",
        ...WAITED,
      ),
    },
  },
  get: {
    operationId: "callState",
    summary: "How far a CALL has got",
    tags: ["commands"],
    responses: {
      "200": { description: "Known.", content: json("CallState") },
      "400": problem("A name is not valid."),
      ...REFUSALS,
      "404": problem("No such CALL is known, or no longer (`--outcome-retention`)."),
      "503": ELSEWHERE,
    },
  },
};

const SEND = {
  parameters: NAMES,
  post: {
    operationId: "send",
    summary: "Sends a SEND to a client (ocpp2.1)",
    tags: ["commands"],
    requestBody: BODY,
    responses: {
      "202": { description: "Written to the client.", headers: headers("Ws2api-Outcome") },
      ...NOT_SENT,
      "409": problem("The client does not speak ocpp2.1.", "Ws2api-Outcome"),
      "422": problem("The payload is not as its schema says.", "Ws2api-Outcome"),
      "503": problem(`${BUSY_TEXT}.`, ...BUSY),
    },
  },
};

const CLIENTS = {
  get: {
    operationId: "listClients",
    summary: "Who is connected",
    description:
      "With `sort=-ends` also who is not, but was: those that come and go, 1,000 of each " +
      "thread at most, and 100 on a page.",
    tags: ["clients"],
    parameters: ["Sort", "Filter", "Search", "Limit", "After"]
      .map((name) => ref("parameters", name)),
    responses: {
      "200": {
        description:
          "A page, sorted by id in UTF-16 code units, or as `sort` says and then by id; with " +
          "`--nats` of those instances that can be asked.",
        content: json("ClientPage"),
      },
      "400": problem("The query is not valid."),
      ...REFUSALS,
    },
  },
};

const CLIENT = {
  parameters: [ref("parameters", "ClientId")],
  get: {
    operationId: "showClient",
    summary: "One client",
    tags: ["clients"],
    responses: {
      "200": { description: "It is connected.", content: json("ClientState") },
      "400": problem("The path holds no ClientId."),
      ...REFUSALS,
      "404": NO_CLIENT,
      "503": ELSEWHERE,
    },
  },
  delete: {
    operationId: "disconnect",
    summary: "Closes a client's connection",
    description: "With 1000 `closed by the operator`. What the connect hook's answer said may be " +
      "remembered is forgotten, connected or not.",
    tags: ["clients"],
    responses: {
      "204": { description: "Closed." },
      "400": problem("The path holds no ClientId."),
      ...REFUSALS,
      "404": NO_CLIENT,
      "503": ELSEWHERE,
    },
  },
};

/** A resource that answers with text. */
function text(operationId: string, summary: string, others: Node, isOpen = false): Node {
  const responses = { "200": { description: "Text.", content: TEXT }, ...others };
  return {
    get: { operationId, summary, tags: ["operation"], responses, ...(isOpen && { security: [] }) },
  };
}

/** All of them; those that only the status page uses are left out. */
export const PATHS: Readonly<Record<string, Node>> = {
  "/call/{action}/{clientId}/{messageId}": CALL,
  "/send/{action}/{clientId}/{messageId}": SEND,
  "/clients": CLIENTS,
  "/clients/{clientId}": CLIENT,
  ...OUTBOX_PATHS,
  ...RECORDING_PATHS,
  "/metrics": text("metrics", "All that is counted, for Prometheus", REFUSALS),
  "/": text("counters", "A few counters, a line each; the status page for a browser", REFUSALS),
  "/healthz": text("healthz", "It lives", {}, true),
  "/readyz": {
    parameters: [ref("parameters", "Strict")],
    ...text("readyz", "It takes requests", {
      "503": { description: "It does not, at the moment.", content: TEXT },
    }, true),
  },
  "/openapi.json": {
    get: {
      operationId: "openapi",
      summary: "This document",
      tags: ["operation"],
      security: [],
      responses: {
        "200": {
          description: "OpenAPI 3.1.",
          content: content("application/json", { type: "object" }),
        },
      },
    },
  },
};
