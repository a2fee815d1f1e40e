/**
 * The second door: the backend's HTTP requests, and the operator's.
 *
 * @module
 */

import type { Token } from "../config/token.ts";
import { type BrowserGuard, STRANGENESS_TEXTS } from "../door/browser.ts";
import { problem, setHeader } from "../problem.ts";
import type { HttpRequest } from "../request.ts";
import { STRANGER } from "./authorize.ts";
import { type Command, logCommand } from "./command.ts";
import { preflight, share } from "./cors.ts";
import type { ApiDeps, Resource } from "./resource.ts";
import { resourceAt } from "./resources.ts";

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
  const isRead = /^(?:GET|HEAD)$/.test(request.method) &&
    resource?.methods.includes("GET") === true;
  const isToClient = /^\/(?:call|send)(?:\/|$)/.test(path) && !isRead;
  if (isToClient && !response.headers.has("ws2api-outcome")) {
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
  const command = resource.command?.(request.method, request);
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
    response = deps.isShuttingDown()
      ? problem(503, "the gateway is shutting down", { "retry-after": "5" })
      : await resource.handle(request, deps, token);
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
