/**
 * What the gateway knows of OCPP: which CALLs a CSMS may send, and how their payloads are written.
 *
 * @module
 */

import { problemOf, Unauthorized } from "./session.js";

/** @import { PayloadForm } from "../../validate/form.ts" */
/** @import { Session } from "./session.js" */

/** What else may be sent where the subprotocol is not known. */
const USUAL_ACTIONS = ["DataTransfer", "Reset", "TriggerMessage"];

/** CALLs that may interrupt charging, or that a station may not come back from. */
const DISRUPTIVE = new Set([
  ...["ChangeAvailability", "ClearCache", "Reset", "UnlockConnector", "UpdateFirmware"],
  ...["RemoteStopTransaction", "SignedUpdateFirmware"],
  ...["PublishFirmware", "RequestStopTransaction", "SetNetworkProfile"],
]);

/**
 * Whether an Action should not be sent by a slip.
 *
 * @param {string} action
 */
export function isDisruptive(action) {
  return DISRUPTIVE.has(action);
}

/** The gateway's answers, each asked for once. There are at most as many as OCPP has Actions. */
export class Ocpp {
  #session;
  /** @type {Map<string, any>} */
  #known = new Map();

  /** @param {Session} session */
  constructor(session) {
    this.#session = session;
  }

  /**
   * The Actions that a CSMS may send. Never rejects.
   *
   * @param {string | null} protocol The subprotocol; null without one.
   * @returns {Promise<{ actions: readonly string[], isKnown: boolean }>}
   */
  async actions(protocol) {
    const found = await this.#ask(versionOf(protocol));
    if (found === null) return { actions: USUAL_ACTIONS, isKnown: false };
    return { actions: found.actions, isKnown: true };
  }

  /**
   * How an Action's payload is written. Never rejects.
   *
   * @param {string | null} protocol
   * @param {string} action One of `actions`.
   * @returns {Promise<PayloadForm | null>} Null when the gateway does not say.
   */
  form(protocol, action) {
    return this.#ask(`${versionOf(protocol)}/${encodeURIComponent(action)}`);
  }

  /**
   * Asks whether a payload is as its schema says. Never rejects.
   *
   * @param {string | null} protocol
   * @param {string} action
   * @param {string} payload
   * @returns {Promise<{ pointer: string, detail: string } | null>} What is wrong; null for nothing.
   */
  async check(protocol, action, payload) {
    const path = `status/ocpp/${versionOf(protocol)}/${encodeURIComponent(action)}/check`;
    let detail = "the gateway does not respond";
    try {
      const response = await this.#session.fetch(path, { method: "POST", body: payload });
      if (response.ok) return (await response.json()).fault;
      // Nobody knows the schemas of a subprotocol that is not OCPP's.
      if (response.status === 404) return null;
      detail = await problemOf(response);
    } catch (error) {
      if (error instanceof Unauthorized) detail = "the token is missing";
    }
    return { pointer: "", detail: `The payload could not be checked: ${detail}` };
  }

  /** @param {string} path */
  async #ask(path) {
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    try {
      const response = await this.#session.fetch(`status/ocpp/${path}`);
      if (!response.ok) return null;
      const answer = await response.json();
      this.#known.set(path, answer);
      return answer;
    } catch {
      return null;
    }
  }
}

/** @param {string | null} protocol A client without one is spoken to as one of 1.6. */
function versionOf(protocol) {
  return encodeURIComponent(protocol ?? "ocpp1.6");
}
