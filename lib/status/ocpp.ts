/**
 * `/status/ocpp/…`: what the page's form for a CALL knows of OCPP.
 *
 * @module
 */

import { type BodyRoom, readPayload, refusalHeaders } from "../api/body.ts";
import { decodeSegment } from "../codec/route.ts";
import type { Clock } from "../clock.ts";
import { problem, respondJson } from "../problem.ts";
import type { HttpRequest } from "../request.ts";
import type { Reference } from "../validate/reference.ts";
import { describeViolation } from "../validate/violation.ts";

export interface OcppDeps {
  readonly clock: Pick<Clock, "wallNow">;
  /** Those that pass unchecked. */
  readonly allowedActions: ReadonlySet<string>;
  readonly maxMessageBytes: number;
  /** For payloads that are only checked: who may read takes no room from CALLs. */
  readonly checkedBodies: BodyRoom;
}

const NO_STORE = { "cache-control": "no-store" };

/** Owns what was loaded of the OCPP schemas: nothing before somebody asks. */
export class Ocpp {
  readonly #deps: OcppDeps;
  #reference: Promise<Reference> | undefined;

  constructor(deps: OcppDeps) {
    this.#deps = deps;
  }

  /**
   * Answers one request.
   *
   * - `GET /status/ocpp/<subprotocol>`: the Actions that a CSMS may send.
   * - `GET /status/ocpp/<subprotocol>/<Action>`: a payload to begin with, and the fields there are.
   * - `POST /status/ocpp/<subprotocol>/<Action>/check`: whether a payload is as its schema says. The body
   *   is one that `POST /call` takes; nothing is sent.
   *
   * @param segments The path behind `/status/ocpp/`, one to three raw segments.
   */
  async handle(request: HttpRequest, segments: readonly string[]): Promise<Response> {
    const [protocol, action] = segments.slice(0, 2).map(decodeSegment);
    if (protocol === undefined) return problem(400, "the path holds no subprotocol");
    const version = await (await this.#load()).version(protocol);
    if (version === undefined) return problem(404, "no such version of OCPP");
    if (segments.length === 1) return respondJson({ actions: version.actions }, NO_STORE);
    if (action === undefined) return problem(400, "the path holds no Action");
    if (segments.length === 2) {
      const now = new Date(this.#deps.clock.wallNow()).toISOString();
      const form = version.form(action, now);
      return form === undefined
        ? problem(404, "the Action is no CALL of the CSMS in this OCPP version")
        : respondJson(form, NO_STORE);
    }
    const { maxMessageBytes, checkedBodies } = this.#deps;
    const body = await readPayload(request, maxMessageBytes, checkedBodies);
    if (!body.ok) return problem(body.status, body.detail, refusalHeaders(body.status));
    const violation = version.check(action, body.payload);
    if (violation === undefined) return respondJson({ fault: null }, NO_STORE);
    const { pointer } = violation;
    return respondJson({ fault: { pointer, detail: describeViolation(violation) } }, NO_STORE);
  }

  #load(): Promise<Reference> {
    if (this.#reference !== undefined) return this.#reference;
    const loading = import("../validate/reference.ts").then(({ Reference }) =>
      new Reference(this.#deps.allowedActions)
    );
    // The next one tries again.
    loading.catch(() => this.#reference = undefined);
    return this.#reference = loading;
  }
}
