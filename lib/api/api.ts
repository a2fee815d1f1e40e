/**
 * The second door: the backend's HTTP requests, and the operator's.
 *
 * @module
 */

import { prefersHtml } from "../codec/accept.ts";
import { countersText } from "../metrics/counters.ts";
import type { Exposition } from "../metrics/exposition.ts";
import type { Log } from "../log/log.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { problem, respond, setHeader } from "../problem.ts";
import type { Authorize, Denial } from "./authorize.ts";
import { type CallDeps, handleCall, handleSend } from "./call.ts";
import { handleClient, listClients } from "./clients.ts";
import type { HttpRequest } from "../request.ts";

/** The status page's resources. */
export interface StatusPage {
  /** `GET /` for a browser. */
  page(): Promise<Response>;
  /** `GET /status/stream` */
  stream(): Response;
  /** `GET /status/clients` */
  clients(request: HttpRequest): Promise<Response>;
  /** `GET /status/tail/<ClientId>` */
  tail(request: HttpRequest, rawClientId: string): Response;
}

export interface ApiDeps extends CallDeps {
  readonly authorize: Authorize;
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
  readonly handle: (request: HttpRequest, deps: ApiDeps) => Response | Promise<Response>;
}

const READ = ["GET", "HEAD"] as const;

const DENIALS = {
  no_token: {
    status: 401,
    detail: "a bearer token is needed",
    headers: { "www-authenticate": "Bearer" },
  },
  foreign_origin: {
    status: 403,
    detail: "a page of another origin may use the API with a token only",
    headers: {},
  },
} as const satisfies Record<Denial, unknown>;

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
      handle: (request, deps) => handleClient(request, rest[0]!, deps.clients),
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
  if (first === "status" && rest[0] === "tail" && rest.length === 2) {
    return { methods: ["GET"], handle: (request, { status }) => status.tail(request, rest[1]!) };
  }
  if ((first === "call" || first === "send") && rest.length === 3) {
    const handle = first === "call" ? handleCall : handleSend;
    return {
      methods: ["POST"],
      handle: (request, deps) =>
        deps.isShuttingDown()
          ? problem(503, "the gateway is shutting down", { "retry-after": "5" })
          : handle(request, rest, deps),
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
 */
export async function handleApi(
  request: HttpRequest,
  path: string,
  deps: ApiDeps,
): Promise<Response> {
  const resource = resourceAt(path);
  const count = (status: number): void => deps.metrics.apiRequests[String(status)]?.add(1);
  let response: Response;
  try {
    response = await answer(request, path, resource, deps);
  } catch (error) {
    // A bug, which the listener answers.
    count(500);
    throw error;
  }
  // Each answer to a CALL or SEND says how far it got, also when it got nowhere.
  if (/^\/(?:call|send)(?:\/|$)/.test(path) && !response.headers.has("ws2api-outcome")) {
    setHeader(response, "ws2api-outcome", "not-sent");
  }
  count(response.status);
  return response;
}

function answer(
  request: HttpRequest,
  path: string,
  resource: Resource | undefined,
  deps: ApiDeps,
): Response | Promise<Response> {
  const denial = resource?.isOpen?.(request) === true ? null : deps.authorize(request.headers);
  if (denial !== null) {
    const { status, detail, headers } = DENIALS[denial];
    deps.log.warn("API request refused", { path, status, reason: detail });
    return problem(status, detail, headers);
  }
  if (resource === undefined) return problem(404, describeUnknown(path));
  if (!resource.methods.includes(request.method)) {
    return problem(405, "no such method here", { allow: resource.methods.join(", ") });
  }
  return resource.handle(request, deps);
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
