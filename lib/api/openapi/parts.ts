/**
 * What several parts of the OpenAPI document have in common.
 *
 * @module
 */

import { MAX_CLIENT_ID_UNITS } from "../../codec/route.ts";
import { CLIENT_PARAMETERS, CLIENT_SCHEMAS } from "./client_parts.ts";
import { asked, COUNT, NEXT, type Node, object, orNull, ref, TEXT, TIME } from "./schema.ts";

export { type Node, object, ref };

/** A body of one media type. */
export function content(type: string, schema: Node): Node {
  return { [type]: { schema } };
}

/** A JSON body. @param name Of its schema. */
export function json(name: string): Node {
  return content("application/json", ref("schemas", name));
}

/** Headers of a response that always come but for `Idempotency-Replayed`, by their names in `HEADERS`. */
export function headers(...names: (keyof typeof HEADERS)[]): Node {
  return Object.fromEntries(names.map((name) => [name, ref("headers", name)]));
}

/** One that does not always come. */
export function sometimes(name: keyof typeof HEADERS): Node {
  return { [name]: { ...HEADERS[name], required: false } };
}

/** An error of the gateway's own. */
export function problem(description: string, ...names: (keyof typeof HEADERS)[]): Node {
  return {
    description,
    ...(names.length > 0 && { headers: headers(...names) }),
    content: content("application/problem+json", ref("schemas", "Problem")),
  };
}

function header(description: string, schema: Node, required = true): Node {
  return { description, required, schema };
}

/** Headers of responses. */
export const HEADERS = {
  "Ws2api-Outcome": header(
    "How far the CALL or SEND got. `not-sent`: it never reached the client, and may be sent again.",
    { type: "string", enum: ["queued", "not-sent", "sent", "answered"] },
  ),
  "Retry-After": header("Seconds.", { type: "integer", minimum: 1 }),
  "Preference-Applied": header("`wait=SECONDS`", { type: "string", pattern: "^wait=[0-9]+$" }),
  "Location": header("Its own path: `GET` tells how far it got.", { type: "string" }),
  "Idempotency-Replayed": header(
    "`true`: the answer to an earlier request with this `Idempotency-Key`; nothing was sent.",
    { const: "true" },
    false,
  ),
  "WWW-Authenticate": header("`Bearer`", TEXT),
} as const;

const PAYLOAD = { type: "object", additionalProperties: true };

/** What a CALLERROR says, also where the gateway makes it. */
const CALL_ERROR = object({ code: TEXT, description: TEXT, details: PAYLOAD });

const CALL_TIMES = {
  acceptedAt: TIME,
  sentAt: orNull(TIME),
  endedAt: orNull(TIME),
  deliveredAt: orNull(TIME),
};

/** Bodies. */
export const SCHEMAS = {
  Payload: { ...PAYLOAD, description: "The payload of a message; it passes byte for byte." },
  CallError: CALL_ERROR,
  Problem: {
    ...object(
      {
        type: TEXT,
        title: TEXT,
        status: { type: "integer" },
        detail: { type: "string", description: "What is wrong with this request." },
        errors: {
          type: "array",
          description: "Where a payload is not as its schema says.",
          items: object({
            pointer: { type: "string", description: "A JSON pointer (RFC 6901)." },
            detail: TEXT,
          }),
        },
      },
      ["errors"],
    ),
    description: "RFC 9457.",
  },
  ...CLIENT_SCHEMAS,
  CallOutcome: {
    oneOf: [
      object({ kind: { const: "result" }, payload: orNull(PAYLOAD) }),
      object({
        kind: { const: "error" },
        code: orNull(TEXT),
        description: orNull(TEXT),
        details: orNull(PAYLOAD),
      }),
    ],
    description: "What is null is not known any more, or not for this token.",
  },
  CallState: object({
    state: { type: "string", enum: ["queued", "sent", "ended"] },
    outcome: orNull(ref("schemas", "CallOutcome")),
    delivery: {
      ...orNull({ type: "string", enum: ["waiting", "delivered", "parked"] }),
      description: "Of the outcome to the backend; null before, and with `Prefer: wait`.",
    },
    ...CALL_TIMES,
    id: {
      ...orNull({ type: "string", format: "uuid" }),
      description: "That of its report's `Webhook-Id`, null without one.",
    },
  }),
  Report: object({
    id: { type: "string", format: "uuid", description: "That of its `Webhook-Id`." },
    state: { type: "string", enum: ["waiting", "parked"] },
    kind: { type: "string", enum: ["result", "error", "resulterror", "disconnect"] },
    client: TEXT,
    action: orNull(TEXT),
    messageId: orNull(TEXT),
    body: { ...orNull(PAYLOAD), description: "Null: too large to be told by another instance." },
    since: TIME,
    tries: COUNT,
    lastFailure: orNull(TEXT),
  }),
  Retried: object({ retried: COUNT }),
  ReportPage: object({
    total: COUNT,
    reports: { type: "array", items: ref("schemas", "Report") },
    next: NEXT,
  }),
  Recording: object({
    id: { type: "string", format: "uuid" },
    client: TEXT,
    startedAt: TIME,
    endsAt: { ...TIME, description: "When it ends by itself." },
    endedAt: { ...orNull(TIME), description: "Null while it goes on." },
    lines: COUNT,
    bytes: { ...COUNT, description: "What it holds in memory, about." },
    dropped: { ...COUNT, description: "Lines at its beginning that made room for later ones." },
  }),
  RecordingList: object(
    {
      recordings: { type: "array", items: ref("schemas", "Recording") },
      incomplete: { const: true, description: "Some instances cannot be asked." },
    },
    ["incomplete"],
  ),
  Connect: object({
    protocols: { type: "array", items: TEXT },
    remoteAddress: TEXT,
    authorization: orNull(TEXT),
    tls: { type: "boolean" },
    clientCertificate: orNull(object({
      subject: object({ CN: orNull(TEXT), O: orNull(TEXT) }),
      serialNumber: TEXT,
      fingerprint256: TEXT,
    })),
  }),
  Disconnect: object({ code: { type: "integer" }, reason: TEXT }),
} as const;

function path(name: string, description: string, maxLength: number): Node {
  const schema = { type: "string", minLength: 1, maxLength };
  return { name, in: "path", required: true, description, schema };
}

const AFTER = "Goes on behind this one: `next` of the page before.";

/** What requests say beside their bodies. */
export const PARAMETERS = {
  Action: path("action", "One segment, percent-encoded once.", MAX_CLIENT_ID_UNITS),
  ClientId: path("clientId", "One segment, percent-encoded once.", MAX_CLIENT_ID_UNITS),
  MessageId: path("messageId", "The caller's to choose; use each one once.", 36),
  ReportId: {
    ...path("id", "A UUID.", 36),
    schema: { type: "string", format: "uuid" },
  },
  RecordingId: {
    ...path("id", "A UUID.", 36),
    schema: { type: "string", format: "uuid" },
  },
  Prefer: asked(
    "Prefer",
    "header",
    "`wait=SECONDS`, 1 to 3600: the client's answer is the response.",
    TEXT,
  ),
  IdempotencyKey: asked(
    "Idempotency-Key",
    "header",
    "The same key with the same request within `--outcome-retention` gives the same answer, and " +
      "nothing is sent again.",
    { type: "string", pattern: "^[!-~]{1,255}$" },
  ),
  Traceparent: asked("traceparent", "header", "W3C Trace Context.", TEXT),
  Limit: asked("limit", "query", "The most of one page.", {
    type: "integer",
    ...{ minimum: 1, maximum: 1000, default: 100 },
  }),
  After: asked("after", "query", AFTER, TEXT),
  AfterReport: asked("after", "query", AFTER, { type: "string", format: "uuid" }),
  Strict: {
    ...asked("strict", "query", "503 also while NATS is away (`/readyz?strict`).", TEXT),
    allowEmptyValue: true,
  },
  ...CLIENT_PARAMETERS,
  Search: asked("search", "query", "A part of the ClientId, in upper or lower case.", {
    ...TEXT,
    maxLength: MAX_CLIENT_ID_UNITS,
  }),
} as const;

/** Refusals that each resource has which needs a token. */
export const REFUSALS = {
  "401": problem("The token is missing or wrong.", "WWW-Authenticate"),
  "403": problem("The token may not, or a page of another origin asks."),
};
/** What it cannot know alone. */
export const ELSEWHERE = problem("With `--nats`: it cannot be known elsewhere.", "Retry-After");
