/**
 * Whether there is a backend.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { backendAddress, dial } from "./dial.ts";

/**
 * Connects to the backend once and hangs up, without a request.
 *
 * @param backend Its base URL.
 * @param signal Gives up when it aborts.
 * @param withHandshake Whether a TLS handshake is done with an `https:` backend. One that accepts and stays
 *   silent then holds a socket for as long as the process lives.
 * @returns Why it cannot be reached, in the system's words; undefined when it can. Never rejects.
 */
export async function probeBackend(
  backend: string,
  timeoutMs: number,
  clock: Clock,
  signal: AbortSignal = new AbortController().signal,
  withHandshake = false,
): Promise<string | undefined> {
  const { target, ...address } = backendAddress(backend);
  const plain = target.kind === "tls" && !withHandshake
    ? { ...target, kind: "tcp" } as const
    : target;
  let reason = "no answer";
  const conn = await dial({ ...address, target: plain }, {
    timeoutMs,
    signal,
    clock,
    onFailure: (error) => reason = error,
  });
  conn?.close();
  return conn === undefined ? reason : undefined;
}
