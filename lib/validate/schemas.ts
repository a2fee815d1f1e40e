/**
 * The message schemas of one OCPP version, compiled when they are first needed.
 *
 * @module
 */

import { Ajv, type ValidateFunction } from "ajv";
import { isUri } from "./format.ts";
import type { MessageSchema } from "./message_schema.ts";

/** The frames whose payloads have schemas. */
export type PayloadFrame = "call" | "send" | "result";

/** Which frame a message is of, by the end of its name. */
const FRAMES: Readonly<Record<string, PayloadFrame>> = {
  Request: "call",
  Response: "result",
  "": "send",
};

/**
 * Owns the compiled schemas of one version. There is at most one for each message and each type that
 * messages share, however many names come from outside.
 */
export class Schemas {
  readonly #ajv: Ajv;
  /** Names of schemas by the Actions. */
  readonly #names = {
    call: new Map<string, string>(),
    send: new Map<string, string>(),
    result: new Map<string, string>(),
  };
  readonly #compiled = new Map<string, ValidateFunction>();

  /**
   * @param messages The schemas by their names: `<Action>Request`, `<Action>Response`, and for a SEND
   * `<Action>`. Types of the same name are the same in all of them.
   * @param isDateTime Whether a text has the format `date-time`.
   */
  constructor(
    messages: Readonly<Record<string, MessageSchema>>,
    isDateTime: (text: string) => boolean,
  ) {
    // All as one schema: a type that many messages refer to is compiled once.
    const definitions: Record<string, unknown> = {};
    for (const [name, { definitions: types, ...message }] of Object.entries(messages)) {
      Object.assign(definitions, types);
      definitions[name] = message;
      const [, action, suffix] = /^(.+?)(Request|Response)?$/.exec(name)!;
      this.#names[FRAMES[suffix ?? ""]!].set(action!, name);
    }
    this.#ajv = new Ajv({
      // The schemas come as they are: `additionalItems` without a list of items, `default`s.
      strict: false,
      // `JSON.parse` makes Infinity of 1e400.
      strictNumbers: true,
      meta: false,
      validateSchema: false,
      logger: false,
      // One error and no more: a hostile payload has as many as it has elements.
      allErrors: false,
      // 1.6 has steps of 0.1, and 16.4 / 0.1 is 163.99999999999997.
      multipleOfPrecision: 6,
      formats: { "date-time": isDateTime, uri: isUri },
    });
    this.#ajv.addSchema({ $id: "ocpp", definitions });
  }

  /** The Actions that have a schema of this kind. */
  actions(frame: PayloadFrame): string[] {
    return [...this.#names[frame].keys()];
  }

  /**
   * The compiled schema of a message.
   *
   * @returns Undefined when there is none.
   */
  find(frame: PayloadFrame, action: string): ValidateFunction | undefined {
    const name = this.#names[frame].get(action);
    if (name === undefined) return undefined;
    let validate = this.#compiled.get(name);
    if (validate === undefined) {
      validate = this.#ajv.getSchema(`ocpp#/definitions/${name}`);
      if (validate === undefined) throw new TypeError(`no schema for ${name}`);
      this.#compiled.set(name, validate);
    }
    return validate;
  }
}
