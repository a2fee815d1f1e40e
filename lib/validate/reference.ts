/**
 * What OCPP says of the CALLs that a CSMS sends, for somebody who writes one by hand.
 *
 * Importing this loads the schemas' compiler, and the first question about a version its schemas:
 * who may do without it imports it dynamically.
 *
 * @module
 */

import { parseJson } from "../codec/json.ts";
import { checkPayload } from "./check.ts";
import { goesThisWay } from "./direction.ts";
import { formOf, type PayloadForm } from "./form.ts";
import { isDateTime } from "./format.ts";
import type { MessageSchema } from "./message_schema.ts";
import { Schemas } from "./schemas.ts";
import type { Violation } from "./violation.ts";

/** One OCPP version. */
export interface Version {
  /** The Actions that a CSMS may send as a CALL, in the order of the alphabet. */
  readonly actions: readonly string[];
  /**
   * How the payload of such a CALL is written.
   *
   * @param now For fields that are a date-time, RFC 3339.
   * @returns Undefined for any other Action.
   */
  form(action: string, now: string): PayloadForm | undefined;
  /**
   * What is wrong with a CALL to a client; undefined when nothing is. The same as `--validate` finds.
   * Never throws.
   *
   * @param payload Its JSON text.
   */
  check(action: string, payload: string): Violation | undefined;
}

type Messages = Readonly<Record<string, MessageSchema>>;

const v201 = (): Promise<Messages> => import("typed-ocpp/dist/ocpp20/schemas.js");

/** By subprotocol. */
const SOURCES: ReadonlyMap<string, () => Promise<Messages>> = new Map([
  ["ocpp1.6", (): Promise<Messages> => import("typed-ocpp/dist/ocpp16/schemas.js")],
  ["ocpp2.0", v201],
  ["ocpp2.0.1", v201],
  ["ocpp2.1", (): Promise<Messages> => import("typed-ocpp/dist/ocpp21/schemas.js")],
]);

/**
 * Owns what was loaded of each version. There is at most one of each, however many names come from
 * outside.
 */
export class Reference {
  readonly #allowedActions: ReadonlySet<string>;
  readonly #versions = new Map<string, Promise<Version>>();

  /** @param allowedActions Those that pass unchecked. */
  constructor(allowedActions: ReadonlySet<string>) {
    this.#allowedActions = allowedActions;
  }

  /**
   * The version of a subprotocol, loaded when it is first asked for.
   *
   * @returns Undefined for what is no subprotocol of OCPP-J.
   * @throws When it cannot be loaded; the next one tries again.
   */
  async version(protocol: string): Promise<Version | undefined> {
    const load = SOURCES.get(protocol);
    if (load === undefined) return undefined;
    let version = this.#versions.get(protocol);
    if (version === undefined) {
      version = load().then((messages) => versionOf(messages, this.#allowedActions));
      this.#versions.set(protocol, version);
      version.catch(() => this.#versions.delete(protocol));
    }
    return await version;
  }
}

function versionOf(messages: Messages, allowedActions: ReadonlySet<string>): Version {
  const schemas = new Schemas(messages, isDateTime);
  const actions = schemas.actions("call").filter((action) => goesThisWay("out", action)).sort();
  return {
    actions,
    form: (action, now) =>
      actions.includes(action) ? formOf(messages[`${action}Request`]!, now) : undefined,
    check: (action, payload) =>
      allowedActions.has(action)
        ? undefined
        : checkPayload(schemas, "out", "call", action, payload, parseJson),
  };
}
