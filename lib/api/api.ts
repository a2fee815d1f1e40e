/**
 * The second door: the backend's HTTP requests, and the operator's.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { prefersHtml } from "../codec/accept.ts";
import { countersText } from "../metrics/counters.ts";
import type { Exposition } from "../metrics/exposition.ts";
import type { Log } from "../log/log.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Token } from "../config/token.ts";
import { type BrowserGuard, STRANGENESS_TEXTS } from "../door/browser.ts";
import { problem, respond, setHeader } from "../problem.ts";
import type { HttpRequest } from "../request.ts";
import { type Authorize, STRANGER } from "./authorize.ts";
import { type CallDeps, handleCall, handleSend } from "./call.ts";
import { handleClient, listClients } from "./clients.ts";
import { type Command, logCommand } from "./command.ts";
import { preflight, share } from "./cors.ts";

/** The status page's resources. */
export interface StatusPage {
  /** `GET /` for a browser. */
  page(): Promise<Response>;
  /** `GET /status/stream` */
  stream(): Response;
  /** `GET /status/clients` */
  clients(request: HttpRequest): Promise<Response>;
  /** `GET /status/access/<ClientId>` */
  access(rawClientId: string, token: Token): Response;
  /** `GET /status/tail/<ClientId>` */
  tail(request: HttpRequest, rawClientId: string, token: Token): Response;
}

export interface ApiDeps extends CallDeps {
  readonly authorize: Authorize;
  /** Origins as browsers write them, whose pages may use the API. */
  readonly allowOrigins: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** All metrics, for Prometheus. */
  readonly expose: () => Promise<Exposition>;
  readonly status: StatusPage;
}

/** One resource: the methods it has, and what answers them. */
interface Resource {
  readonly methods: readonly string[];
  /** Whether it needs no token. */
  readonly isOpen?: (request: HttpRequest) => boolean;
  /** What a request of this method commands, undefined for nothing. */
  readonly command?: (method: string) => Command | undefined;
  /** @param token Whose request it is; of an open resource that is not asked. */
  readonly handle: (
    request: HttpRequest,
    deps: ApiDeps,
    token: Token,
  ) => Response | Promise<Response>;
}

const READ = ["GET", "HEAD"] as const;

/**
 * Finds what a path means. The path is matched as raw segments, not by `URLPattern`, which would
 * resolve dot segments that have to be refused.
 */
function resourceAt(path: string): Resource | undefined {
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
          handle: (_, deps) => {
            if (deps.isShuttingDown()) return text(503, "shutting down");
            return deps.clients.isAvailable
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
        return { methods: ["GET"], handle: (_, { status }) => status.stream() };
      case "clients":
        return { methods: READ, handle: (request, { status }) => status.clients(request) };
    }
  }
  if (first === "status" && rest.length === 2) {
    const [what, clientId = ""] = rest;
    if (what === "access") {
      return { methods: READ, handle: (_, { status }, token) => status.access(clientId, token) };
    }
    if (what === "tail") {
      return {
        methods: ["GET"],
        handle: (request, { status }, token) => status.tail(request, clientId, token),
      };
    }
  }
  if ((first === "call" || first === "send") && rest.length === 3) {
    const handle = first === "call" ? handleCall : handleSend;
    const [action, clientId = "", messageId] = rest;
    return {
      methods: ["POST"],
      command: () => ({ kind: first, action, clientId, messageId }),
      handle: (request, deps, token) =>
        deps.isShuttingDown()
          ? problem(503, "the gateway is shutting down", { "retry-after": "5" })
          : handle(request, rest, deps, token),
    };
  }
  return undefined;
}

/** Whether the API answers this path; other paths may be a client's. */
export function isApiPath(path: string): boolean {
  return resourceAt(path) !== undefined;
}

/**
 * Answers one request of the API. Never rejects but for bugs.
 *
 * @param request The request.
 * @param path Its path as `rawPath` gives it.
 * @param guard Of the listener that it came to.
 */
export async function handleApi(
  request: HttpRequest,
  path: string,
  guard: BrowserGuard,
  deps: ApiDeps,
): Promise<Response> {
  const resource = resourceAt(path);
  const count = (status: number): void => deps.metrics.apiRequests[String(status)]?.add(1);
  let response: Response;
  try {
    response = await answer(request, path, resource, guard, deps);
  } catch (error) {
    // A bug, which the listener answers.
    count(500);
    throw error;
  }
  // Each answer to a CALL or SEND says how far it got, also when it got nowhere.
  if (/^\/(?:call|send)(?:\/|$)/.test(path) && !response.headers.has("ws2api-outcome")) {
    setHeader(response, "ws2api-outcome", "not-sent");
  }
  share(request, response, deps.allowOrigins);
  count(response.status);
  return response;
}

function answer(
  request: HttpRequest,
  path: string,
  resource: Resource | undefined,
  guard: BrowserGuard,
  deps: ApiDeps,
): Response | Promise<Response> {
  const isOpen = resource?.isOpen?.(request) === true;
  const strangeness = guard.uses(request.headers, isOpen);
  if (strangeness !== null) return refuse(path, 403, STRANGENESS_TEXTS[strangeness], deps);
  const mayAsk = preflight(request, deps.allowOrigins);
  if (mayAsk !== undefined) return mayAsk;
  const token = isOpen ? STRANGER : deps.authorize(request.headers);
  if (token === undefined) {
    const headers = { "www-authenticate": "Bearer" };
    return refuse(path, 401, "a bearer token is needed", deps, headers);
  }
  if (resource === undefined) return problem(404, describeUnknown(path));
  if (!resource.methods.includes(request.method)) {
    return problem(405, "no such method here", { allow: resource.methods.join(", ") });
  }
  const command = resource.command?.(request.method);
  return command === undefined
    ? resource.handle(request, deps, token)
    : carryOut(request, resource, command, token, deps);
}

async function carryOut(
  request: HttpRequest,
  resource: Resource,
  command: Command,
  token: Token,
  deps: ApiDeps,
): Promise<Response> {
  const since = deps.clock.now();
  let response: Response | undefined;
  try {
    response = await resource.handle(request, deps, token);
    return response;
  } finally {
    const durationMs = deps.clock.now() - since;
    logCommand(deps.log, token, command, { response, durationMs });
  }
}

/** Tells the log of it too. */
function refuse(
  path: string,
  status: number,
  reason: string,
  { log }: Pick<ApiDeps, "log">,
  headers: Record<string, string> = {},
): Response {
  log.warn("API request refused", { path, status, reason });
  return problem(status, reason, headers);
}

/** A path that is nearly right is told what it should be. */
function describeUnknown(path: string): string {
  const kind = /^\/(call|send)(?:\/|$)/.exec(path)?.[1];
  return kind === undefined
    ? "no such path"
    : `the path must be /${kind}/<Action>/<ClientId>/<MessageId>: three segments, a / in one as %2F`;
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
