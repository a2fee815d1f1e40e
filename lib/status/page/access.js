/**
 * What the token may do with a client.
 *
 * @module
 */

/** @import { Access, GeneralAccess } from "../../api/may.ts" */
/** @import { Session } from "./session.js" */

/** @type {Access} */
export const NOTHING = { disconnect: false, payloads: false, actions: [] };

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
 * The Actions that are proposed to a person: of those that a version has the ones that the token may
 * send, and those that the token names.
 *
 * @param {readonly string[]} known
 * @param {Access["actions"]} patterns
 */
export function allowedActions(known, patterns) {
  if (patterns === null) return known;
  const named = patterns.filter((pattern) => !pattern.endsWith("*"));
  const begins = patterns.filter((pattern) => pattern.endsWith("*"))
    .map((pattern) => pattern.slice(0, -1));
  const fitting = known.filter((action) => begins.some((begin) => action.startsWith(begin)));
  return [...new Set([...fitting, ...named])].sort();
}
