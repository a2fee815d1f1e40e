/**
 * Which resource of the API a path names.
 *
 * @module
 */

import { prefersHtml } from "../codec/accept.ts";
import { countersText } from "../metrics/counters.ts";
import { respond } from "../problem.ts";
import type { HttpRequest } from "../request.ts";
import { handleCall, handleSend } from "./call.ts";
import { showCall } from "./call_state.ts";
import { handleClient, listClients } from "./clients.ts";
import { handleReport, listReports, retryReports } from "./outbox.ts";
import { queryOf } from "./query.ts";
import { handleRecording, listRecordings, startRecording } from "./recordings.ts";
import type { ApiDeps, Resource } from "./resource.ts";

const READ = ["GET", "HEAD"] as const;

/**
 * Finds what a path means. The path is matched as raw segments, not by `URLPattern`, which would
 * resolve dot segments that have to be refused.
 */
export function resourceAt(path: string): Resource | undefined {
  const [, first, ...rest] = path.split("/");
  if (rest.length === 0) {
    switch (first) {
      case "":
        return {
          methods: READ,
          isOpen: wantsPage,
          handle: (request, { status, metrics }) =>
            wantsPage(request)
              ? status.page()
              : text(200, countersText(metrics), { vary: "Accept" }),
        };
      case "metrics":
        return { methods: READ, handle: (_, { expose }) => metricsResponse(expose) };
      case "openapi.json":
        return { methods: READ, isOpen: always, handle: openApiResponse };
      case "healthz":
        return { methods: READ, isOpen: always, handle: () => text(200, "ok") };
      case "readyz":
        return {
          methods: READ,
          isOpen: always,
          handle: ({ url }, { clients, isShuttingDown }) => {
            if (isShuttingDown()) return text(503, "shutting down");
            const isStrict = new URL(url).searchParams.has("strict");
            return (isStrict ? clients.isAvailable : clients.hasJoined)
              ? text(200, "ok")
              : text(503, "other instances cannot be reached");
          },
        };
      case "clients":
        return { methods: READ, handle: (request, deps) => listClients(request, deps.clients) };
    }
  }
  if (first === "clients" && rest.length === 1) {
    return {
      methods: [...READ, "DELETE"],
      command: (method) =>
        method === "DELETE" ? { kind: "disconnect", clientId: rest[0]! } : undefined,
      handle: (request, deps, token) => handleClient(request, rest[0]!, deps.clients, token),
    };
  }
  if (first === "status" && rest.length === 1) {
    switch (rest[0]) {
      case "stream":
        return {
          methods: ["GET"],
          handle: (request, { status }, token) => status.stream(request, token),
        };
      case "clients":
        return { methods: READ, handle: (request, { status }) => status.clients(request) };
      case "access":
        return { methods: READ, handle: (_, { status }, token) => status.access(null, token) };
    }
  }
  if (first === "status" && rest.length === 2 && rest[0] !== "ocpp") {
    const [what, clientId = ""] = rest;
    if (what === "access") {
      return { methods: READ, handle: (_, { status }, token) => status.access(clientId, token) };
    }
  }
  if (first === "status" && rest[0] === "ocpp") {
    const [, , , what] = rest;
    const isCheck = rest.length === 4 && what === "check";
    if (isCheck || rest.length === 2 || rest.length === 3) {
      return {
        methods: isCheck ? ["POST"] : READ,
        handle: (request, deps) => deps.status.ocpp(request, rest.slice(1)),
      };
    }
  }
  if (first === "outbox") return outboxAt(rest);
  if (first === "recordings") return recordingAt(rest);
  if ((first === "call" || first === "send") && rest.length === 3) {
    const handle = first === "call" ? handleCall : handleSend;
    const [action, clientId = "", messageId] = rest;
    return {
      methods: first === "call" ? [...READ, "POST"] : ["POST"],
      command: (method) =>
        method === "POST" ? { kind: first, action, clientId, messageId } : undefined,
      handle: (request, deps, token) =>
        request.method === "POST"
          ? handle(request, rest, deps, token)
          : showCall(rest, deps.clients, token),
    };
  }
  return undefined;
}

/** @param rest The path behind `/outbox`. An id is a UUID, so that none is called `retry`. */
function outboxAt(rest: readonly string[]): Resource | undefined {
  const [id = "", what] = rest;
  if (rest.length === 0) {
    return {
      methods: READ,
      handle: (request, { clients }, token) => listReports(request, clients, token),
    };
  }
  if (rest.length === 1 && id === "retry") {
    return {
      methods: ["POST"],
      command: () => ({ kind: "retry_parked" }),
      handle: (request, { clients }, token) => retryReports(request, clients, token),
    };
  }
  if (rest.length === 1 || (rest.length === 2 && what === "retry")) {
    const isRetry = rest.length === 2;
    return {
      methods: isRetry ? ["POST"] : [...READ, "DELETE"],
      command: (method) => {
        if (isRetry) return { kind: "retry_report", reportId: id };
        return method === "DELETE" ? { kind: "remove_report", reportId: id } : undefined;
      },
      handle: (request, { clients }, token) => handleReport(request, id, clients, token),
    };
  }
  return undefined;
}

/** @param rest The path behind `/recordings`. */
function recordingAt(rest: readonly string[]): Resource | undefined {
  const [recordingId = "", what] = rest;
  if (rest.length === 0) {
    return {
      methods: [...READ, "POST"],
      command: (method, request) => {
        if (method !== "POST") return undefined;
        const clientId = queryOf(request).get("client");
        return { kind: "record", ...(clientId && { clientId: encodeURIComponent(clientId) }) };
      },
      handle: (request, deps, token) =>
        request.method === "POST"
          ? startRecording(request, deps, token)
          : listRecordings(request, deps, token),
    };
  }
  const isEnd = rest.length === 2 && what === "end";
  if (rest.length > 1 && !isEnd) return undefined;
  return {
    methods: isEnd ? ["POST"] : [...READ, "DELETE"],
    command: (method) => {
      if (isEnd) return { kind: "end_recording", recordingId };
      return method === "DELETE" ? { kind: "remove_recording", recordingId } : undefined;
    },
    handle: (request, deps, token) => handleRecording(request, recordingId, deps, token),
  };
}

async function metricsResponse(expose: ApiDeps["expose"]): Promise<Response> {
  const { contentType, text } = await expose();
  return respond(text, 200, { "content-type": contentType });
}

/** Loaded when it is asked for: who does not ask does not pay for it. */
async function openApiResponse(): Promise<Response> {
  const { DOCUMENT_TEXT } = await import("./openapi/document.ts");
  return respond(DOCUMENT_TEXT, 200, { "content-type": "application/json" });
}

function always(): boolean {
  return true;
}

/** The page holds no data; what it fetches does. */
function wantsPage(request: HttpRequest): boolean {
  return prefersHtml(request.headers.get("accept"));
}

function text(status: number, body: string, headers: Record<string, string> = {}): Response {
  return respond(body, status, { "content-type": "text/plain; charset=utf-8", ...headers });
}
