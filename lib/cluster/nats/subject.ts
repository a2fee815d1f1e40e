/**
 * Names of NATS subjects.
 *
 * @module
 */

import { tokenOf } from "../../nats/subject.ts";

/**
 * The subject of a client, as one token below `prefix`.
 *
 * @param prefix Checked already.
 * @param clientId Any ClientId; valid Unicode.
 *
 * @example
 * ```ts
 * import { clientSubject } from "./subject.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(clientSubject("ws2api", "a.b>c"), "ws2api.client.a%2Eb%3Ec");
 * ```
 */
export function clientSubject(prefix: string, clientId: string): string {
  return `${prefix}.client.${tokenOf(clientId)}`;
}

/**
 * The ClientId in a client's subject.
 *
 * @returns Undefined when it is the subject of no client.
 */
export function clientIdOf(prefix: string, subject: string): string | undefined {
  const start = `${prefix}.client.`;
  if (!subject.startsWith(start)) return undefined;
  try {
    return decodeURIComponent(subject.slice(start.length));
  } catch {
    return undefined;
  }
}

/** The subject of one instance. */
export function peerSubject(prefix: string, peerId: string): string {
  return `${prefix}.peer.${peerId}`;
}

/** The subject of all instances. */
export function allSubject(prefix: string): string {
  return `${prefix}.all`;
}
