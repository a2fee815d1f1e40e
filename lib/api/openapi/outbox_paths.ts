/**
 * `/outbox`, as OpenAPI has it.
 *
 * @module
 */

import { content, ELSEWHERE, headers, json, type Node, problem, ref, REFUSALS } from "./parts.ts";

const OUTBOX = {
  get: {
    operationId: "listReports",
    summary: "Reports that wait for the backend, or were parked",
    tags: ["outbox"],
    parameters: [
      {
        name: "state",
        in: "query",
        schema: { type: "string", enum: ["waiting", "parked"] },
      },
      { name: "client", in: "query", description: "A ClientId.", schema: { type: "string" } },
      ref("parameters", "Limit"),
      ref("parameters", "AfterReport"),
    ],
    responses: {
      "200": {
        description:
          "A page, the oldest first; with `--nats` of those instances that can be asked.",
        content: json("ReportPage"),
      },
      "400": problem("The query is not valid."),
      ...REFUSALS,
    },
  },
};

const NO_REPORT = {
  "400": problem("Nothing may stand in the query."),
  ...REFUSALS,
  "404": problem("No such report waits or is parked."),
  "503": ELSEWHERE,
};

const REPORT = {
  parameters: [ref("parameters", "ReportId")],
  get: {
    operationId: "showReport",
    summary: "One report",
    tags: ["outbox"],
    responses: { "200": { description: "It is there.", content: json("Report") }, ...NO_REPORT },
  },
  delete: {
    operationId: "removeReport",
    summary: "Gives a report up: the backend is not told",
    tags: ["outbox"],
    responses: { "204": { description: "Removed." }, ...NO_REPORT },
  },
};

const RETRY = {
  parameters: [ref("parameters", "ReportId")],
  post: {
    operationId: "retryReport",
    summary: "Tries a report again, now",
    tags: ["outbox"],
    responses: { "202": { description: "It will be tried." }, ...NO_REPORT },
  },
};

const RETRY_ALL = {
  post: {
    operationId: "retryParked",
    summary: "Tries again what was parked",
    tags: ["outbox"],
    parameters: [
      { name: "state", in: "query", required: true, schema: { const: "parked" } },
      {
        name: "since",
        in: "query",
        description: "Only those that came to be then or later, RFC 3339.",
        schema: { type: "string", format: "date-time" },
      },
    ],
    responses: {
      "202": {
        description: "So many will be tried; the rest, if any, had no place and stays parked.",
        content: json("Retried"),
      },
      "400": problem("The query is not valid."),
      ...REFUSALS,
      "503": {
        description: "With `--nats`: so many will be tried, and some instances cannot be asked.",
        headers: headers("Retry-After"),
        content: content("application/problem+json", {
          allOf: [ref("schemas", "Problem")],
          // Not where the gateway shuts down: nothing was tried then.
          properties: { retried: { type: "integer", minimum: 0 } },
        }),
      },
    },
  },
};

/** Its resources. */
export const OUTBOX_PATHS: Readonly<Record<string, Node>> = {
  "/outbox": OUTBOX,
  "/outbox/{id}": REPORT,
  "/outbox/{id}/retry": RETRY,
  "/outbox/retry": RETRY_ALL,
};
