/**
 * Which side of the gateway a request is for.
 *
 * @module
 */

import { handleApi, isApiPath } from "../api/api.ts";
import type { ApiDeps } from "../api/resource.ts";
import { rawPath } from "../codec/route.ts";
import type { BrowserGuard } from "../door/browser.ts";
import { isUpgrade } from "../door/handshake.ts";
import type { Upgrade } from "../door/upgrade.ts";
import { problem } from "../problem.ts";
import type { Answer, HttpRequest } from "../request.ts";

/** Whom a listener is for. */
export type Serves = "clients" | "api" | "both";

/** What a request came to. */
export interface Entrance {
  readonly serves: Serves;
  readonly guard: BrowserGuard;
  /** Whether its listener has TLS. */
  readonly isTls: boolean;
}

/** Also an answer to a `POST /call` that is none: nothing was sent. */
const NOT_SENT = { "ws2api-outcome": "not-sent" };

/** Leads a request that came to a listener to the clients' side or the API's. */
export type Route = (
  request: HttpRequest,
  peer: string,
  entrance: Entrance,
) => Answer | Promise<Answer>;

/** Makes the way for all listeners of a gateway. */
export function createRoute(wsPath: string, upgrade: Upgrade, apiDeps: ApiDeps): Route {
  return (request, peer, { serves, guard, isTls }) => {
    const path = rawPath(request.url, request.headers.get("host"));
    if (path === undefined) {
      return problem(400, "the Host header or the path is not valid", NOT_SENT);
    }
    // With an upgrade any name is a ClientId; without one the API's names come first.
    const isForClients = serves === "clients" ||
      (serves === "both" && (isUpgrade(request) || isClientPath(request, path, wsPath)));
    return isForClients
      ? upgrade(request, path, { peer, isTls, strangeness: guard.connects(request.headers) })
      : handleApi(request, path, guard, apiDeps);
  };
}

/** A GET on what may be a client's path is told to upgrade. */
function isClientPath(request: HttpRequest, path: string, wsPath: string): boolean {
  return request.method === "GET" && path.startsWith(wsPath) && !isApiPath(path) &&
    !path.slice(wsPath.length).includes("/");
}
