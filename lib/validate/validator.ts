/**
 * Payloads against the OCPP JSON schemas of the negotiated version.
 *
 * Importing this loads all schemas and their compiler: who may do without it imports it dynamically.
 *
 * @module
 */

import * as v16 from "typed-ocpp/dist/ocpp16/schemas.js";
import * as v201 from "typed-ocpp/dist/ocpp20/schemas.js";
import * as v21 from "typed-ocpp/dist/ocpp21/schemas.js";
import { parseJson } from "../codec/json.ts";
import { checkPayload } from "./check.ts";
import type { Direction } from "./direction.ts";
import { isDateTime, isDateTimeOfStation } from "./format.ts";
import { type PayloadFrame, Schemas } from "./schemas.ts";
import type { Violation } from "./violation.ts";

export interface Validator {
  /**
   * Checks one payload, and that its CALL or SEND is its sender's. Nothing of it is kept, and its text
   * is only read.
   *
   * Never throws. A payload is checked as `JSON.parse` understands it: of duplicate names the last
   * one counts. An allowed Action is not checked, nor is the response to an Action that the version
   * does not have, nor anything of a subprotocol that is not OCPP's.
   *
   * The first payload of an Action compiles its schema, which takes some milliseconds.
   *
   * @param protocol The negotiated subprotocol, null without one.
   * @param direction From a client, or to one.
   * @param frame What carries it.
   * @param action The Action; of a CALLRESULT the one of the CALL that it answers.
   * @param payload The payload's JSON text.
   * @param parse Parses it, once at most; undefined for what is no JSON. `parseJson` without.
   * @returns What is wrong first; undefined when nothing is.
   */
  check(
    protocol: string | null,
    direction: Direction,
    frame: PayloadFrame,
    action: string,
    payload: string,
    parse?: (text: string) => unknown,
  ): Violation | undefined;
}

/** The schemas of one version, by the direction of what they check. */
type Versioned = Readonly<Record<Direction, Schemas>>;

function bothWays(schemas: Schemas): Versioned {
  return { in: schemas, out: schemas };
}

/**
 * Makes a validator for all versions.
 *
 * @param options `allowedActions` are those that pass unchecked.
 *
 * @example
 * ```ts
 * import { createValidator } from "./validator.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * const validator = createValidator({ allowedActions: new Set(["VendorReset"]) });
 * strictEqual(validator.check("ocpp1.6", "in", "call", "Heartbeat", "{}"), undefined);
 * strictEqual(validator.check("ocpp1.6", "out", "call", "VendorReset", "{}"), undefined);
 * strictEqual(validator.check("ocpp1.6", "in", "call", "Authorize", "{}")?.pointer, "/idTag");
 * ```
 */
export function createValidator(
  { allowedActions }: { readonly allowedActions: ReadonlySet<string> },
): Validator {
  // 1.6 asks for ISO 8601, and its stations write it in many ways; they get what all can read.
  const schemas16: Versioned = {
    in: new Schemas(v16, isDateTimeOfStation),
    out: new Schemas(v16, isDateTime),
  };
  const schemas201 = bothWays(new Schemas(v201, isDateTime));
  // The same names as in `dialectOf`; but what is not OCPP's has no schemas.
  const byProtocol = new Map<string | null, Versioned>([
    [null, schemas16],
    ["ocpp1.6", schemas16],
    ["ocpp2.0", schemas201],
    ["ocpp2.0.1", schemas201],
    ["ocpp2.1", bothWays(new Schemas(v21, isDateTime))],
  ]);

  function check(
    protocol: string | null,
    direction: Direction,
    frame: PayloadFrame,
    action: string,
    payload: string,
    parse: (text: string) => unknown = parseJson,
  ): Violation | undefined {
    const schemas = byProtocol.get(protocol)?.[direction];
    if (schemas === undefined || allowedActions.has(action)) return undefined;
    return checkPayload(schemas, direction, frame, action, payload, parse);
  }

  return { check };
}
