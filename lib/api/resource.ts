/**
 * What the API needs, and what one resource of it is.
 *
 * @module
 */

import type { Token } from "../config/token.ts";
import type { Clock } from "../clock.ts";
import type { Log } from "../log/log.ts";
import type { Exposition } from "../metrics/exposition.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { HttpRequest } from "../request.ts";
import type { Authorize } from "./authorize.ts";
import type { CallDeps } from "./call.ts";
import type { Command } from "./command.ts";
import type { RecordingsDeps } from "./recordings.ts";

/** The status page's resources. */
export interface StatusPage {
  /** `GET /` for a browser. */
  page(): Promise<Response>;
  /** `GET /status/stream` */
  stream(request: HttpRequest, token: Token): Response;
  /** `GET /status/clients` */
  clients(request: HttpRequest): Promise<Response>;
  /** `GET /status/access` and `GET /status/access/<ClientId>` */
  access(rawClientId: string | null, token: Token): Response;
  /** `/status/ocpp/…`, one to three segments behind it. */
  ocpp(request: HttpRequest, segments: readonly string[]): Promise<Response>;
}

export interface ApiDeps extends CallDeps, Pick<RecordingsDeps, "recordings"> {
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
export interface Resource {
  readonly methods: readonly string[];
  /** Whether it needs no token. */
  readonly isOpen?: (request: HttpRequest) => boolean;
  /** What a request of this method commands, undefined for nothing. */
  readonly command?: (method: string, request: HttpRequest) => Command | undefined;
  /** @param token Whose request it is; of an open resource that is not asked. */
  readonly handle: (
    request: HttpRequest,
    deps: ApiDeps,
    token: Token,
  ) => Response | Promise<Response>;
}
