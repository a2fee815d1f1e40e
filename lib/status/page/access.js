/**
 * What the token may do with a client.
 *
 * @module
 */

/** @import { Access, GeneralAccess } from "../../api/may.ts" */
/** @import { Session } from "./session.js" */

/** @type {Access} */
export const NOTHING = { disconnect: false, payloads: false, actions: [] };

const USUAL_ACTIONS = [
  "ChangeAvailability",
  "ClearCache",
  "DataTransfer",
  "GetConfiguration",
  "GetVariables",
  "RemoteStartTransaction",
  "RemoteStopTransaction",
  "Reset",
  "TriggerMessage",
  "UnlockConnector",
];

/**
 * Asks the gateway. Never rejects: without an answer it is nothing.
 *
 * @param {Session} session
 * @param {string} clientId
 * @returns {Promise<Access>}
 */
export async function accessTo(session, clientId) {
  try {
    const response = await session.fetch(`status/access/${encodeURIComponent(clientId)}`);
    return response.ok ? await response.json() : NOTHING;
  } catch {
    return NOTHING;
  }
}

/**
 * Asks what the token may do whichever the client. Never rejects: without an answer it is nothing.
 *
 * @param {Session} session
 * @returns {Promise<GeneralAccess>}
 */
export async function generalAccess(session) {
  try {
    const response = await session.fetch("status/access");
    return response.ok ? await response.json() : { reports: [] };
  } catch {
    return { reports: [] };
  }
}

/**
 * The Actions that are proposed to a person.
 *
 * @param {Access["actions"]} patterns
 */
export function proposedActions(patterns) {
  return patterns?.filter((pattern) => !pattern.endsWith("*")) ?? USUAL_ACTIONS;
}
