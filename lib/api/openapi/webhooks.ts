/**
 * What the backend gets, as OpenAPI's webhooks.
 *
 * @module
 */

import type { RequestKind } from "../../codec/route.ts";
import { content, json, type Node, ref } from "./parts.ts";

/** Headers of requests to the backend. */
const HEADERS: readonly Node[] = [
  header("X-Ws2api-Connection", "The connection: a UUIDv7.", true),
  header("X-Forwarded-For", "The client's address.", true),
  header("X-Ws2api-Protocol", "The subprotocol; absent without one."),
  header("traceparent", "W3C Trace Context, where there is a trace."),
];
/** Those of requests that are signed; of reports the first one always. */
const SIGNED: readonly Node[] = [
  header("Webhook-Timestamp", "Seconds since 1970, with `--sign-key-file`."),
  header("Webhook-Signature", "`v1,<base64>`, with `--sign-key-file`."),
  header("X-Ws2api-Signature", "`t=<unix seconds>,v1=<hex>`, with `--sign-key-file`."),
];

function header(name: string, description: string, required = false): Node {
  return { name, in: "header", description, required, schema: { type: "string" } };
}

const TAKEN = {
  "2XX": { description: "Taken." },
  "default": { description: "Not taken: what is tried again, and when, docs/backend.md says." },
};

/** One webhook. @param path Below `--backend`. */
function webhook(
  path: string,
  summary: string,
  body: Node,
  responses: Node,
  isReport: boolean,
): Node {
  const id = header("Webhook-Id", "The same in every try.", isReport);
  return {
    "x-ws2api-path": path,
    post: {
      summary,
      description: `\`POST <backend>${path}\`, each segment percent-encoded once.`,
      tags: ["webhooks"],
      parameters: [...HEADERS, id, ...SIGNED],
      requestBody: { required: true, content: body },
      responses,
    },
  };
}

function message(kind: string): string {
  return `/${kind}/{action}/{clientId}/{messageId}`;
}

/** Each kind of request to the backend. */
export const WEBHOOKS: Readonly<Record<RequestKind, Node>> = {
  call: webhook(message("call"), "A client's CALL", json("Payload"), {
    "2XX": {
      description: "The payload of the CALLRESULT; an empty body is `{}`.",
      content: json("Payload"),
    },
    "default": {
      description: "A CALLERROR: this one, or, without a `code`, the one for the status.",
      content: content("application/json", {
        ...{ type: "object", required: ["code"] },
        properties: {
          code: { type: "string" },
          description: { type: "string" },
          details: ref("schemas", "Payload"),
        },
      }),
    },
  }, false),
  result: webhook(message("result"), "The CALLRESULT of a CALL", json("Payload"), TAKEN, true),
  error: webhook(message("error"), "The CALLERROR of a CALL", json("CallError"), TAKEN, true),
  resulterror: webhook(
    message("resulterror"),
    "A client cannot use a CALLRESULT (ocpp2.1)",
    ...[json("CallError"), TAKEN, true] as const,
  ),
  send: webhook(message("send"), "A client's SEND (ocpp2.1)", json("Payload"), TAKEN, false),
  connect: webhook(
    "/connect/{clientId}",
    "Whether a client may connect, with `--connect-hook`",
    json("Connect"),
    {
      "2XX": { description: "It may. `Cache-Control: max-age` lets this be remembered." },
      "401": { description: "It may not; passed on with `WWW-Authenticate`." },
      "403": { description: "It may not; passed on." },
      "404": { description: "Nobody knows it; passed on." },
      "default": { description: "It gets 503, and tries again." },
    },
    false,
  ),
  disconnect: webhook(
    "/disconnect/{clientId}",
    "A connection has ended, with `--disconnect-hook`",
    ...[json("Disconnect"), TAKEN, true] as const,
  ),
};
