/**
 * `GET /openapi.json`: the API and what the backend gets, as OpenAPI 3.1.
 *
 * @module
 */

import { HEADERS, PARAMETERS, SCHEMAS } from "./parts.ts";
import { PATHS } from "./paths.ts";
import { WEBHOOKS } from "./webhooks.ts";

/** The API's own version, not the program's: the document is for everybody. */
const API_VERSION = "1";

/** The document. It is the same for all gateways, whatever their flags. */
export const DOCUMENT = {
  openapi: "3.1.0",
  info: {
    title: "ws2api",
    version: API_VERSION,
    summary: "Gateway between WebSocket clients and an HTTP backend",
    description:
      "The paths are the gateway's; the webhooks are what it posts to the backend, below " +
      "`--backend`. Each path may also answer 404, 405 with `Allow`, and 500; HEAD is as GET.",
    license: { name: "MIT", identifier: "MIT" },
  },
  servers: [{ url: "/" }],
  security: [{ token: [] }, {}],
  tags: [
    { name: "commands", description: "To a client" },
    { name: "clients", description: "Who is connected" },
    { name: "outbox", description: "What the backend has not taken" },
    { name: "recordings", description: "What clients send and get, kept for a while" },
    { name: "operation", description: "For operators" },
    { name: "webhooks", description: "To the backend" },
  ],
  paths: PATHS,
  webhooks: WEBHOOKS,
  components: {
    schemas: SCHEMAS,
    headers: HEADERS,
    parameters: PARAMETERS,
    securitySchemes: {
      token: {
        type: "http",
        scheme: "bearer",
        description: "Of `--api-token` or `--api-tokens-file`; without either none is needed.",
      },
    },
  },
};

/** It as it is sent, made once: whoever asks without a token costs no more than its bytes. */
export const DOCUMENT_TEXT = JSON.stringify(DOCUMENT);
