/**
 * `/recordings`, as OpenAPI has it.
 *
 * @module
 */

import { content, ELSEWHERE, headers, json, type Node, problem, ref, REFUSALS } from "./parts.ts";

const RECORDINGS = {
  get: {
    operationId: "listRecordings",
    summary: "What is recorded of clients",
    tags: ["recordings"],
    responses: {
      "200": {
        description: "The oldest first; with `--nats` of those instances that can be asked.",
        content: json("RecordingList"),
      },
      "400": problem("Nothing may stand in the query."),
      ...REFUSALS,
    },
  },
  post: {
    operationId: "startRecording",
    summary: "Records all that a client sends and gets for an hour",
    tags: ["recordings"],
    parameters: [
      {
        name: "client",
        in: "query",
        required: true,
        description: "A ClientId, connected or not.",
        schema: { type: "string" },
      },
    ],
    responses: {
      "202": {
        description: "From now on, wherever it connects.",
        headers: headers("Location"),
        content: json("Recording"),
      },
      "400": problem("The query is not valid."),
      ...REFUSALS,
      "409": problem("It is being recorded already."),
      "503": problem("There are as many as there may be.", "Retry-After"),
    },
  },
};

const NONE = {
  "400": problem("Nothing may stand in the query."),
  ...REFUSALS,
  "404": problem("There is no such recording."),
  "503": ELSEWHERE,
};

const RECORDING = {
  parameters: [ref("parameters", "RecordingId")],
  get: {
    operationId: "downloadRecording",
    summary: "What has been recorded so far",
    tags: ["recordings"],
    responses: {
      "200": {
        description: "A JSON object in each line.",
        content: content("application/x-ndjson", { type: "string" }),
      },
      ...NONE,
    },
  },
  delete: {
    operationId: "removeRecording",
    summary: "Ends a recording and forgets it",
    tags: ["recordings"],
    responses: { "204": { description: "Removed." }, ...NONE },
  },
};

const END = {
  parameters: [ref("parameters", "RecordingId")],
  post: {
    operationId: "endRecording",
    summary: "Ends a recording before its time; it is kept for another hour",
    tags: ["recordings"],
    responses: { "204": { description: "It has ended." }, ...NONE },
  },
};

/** Its resources. */
export const RECORDING_PATHS: Readonly<Record<string, Node>> = {
  "/recordings": RECORDINGS,
  "/recordings/{id}": RECORDING,
  "/recordings/{id}/end": END,
};
