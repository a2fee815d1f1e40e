/**
 * How many clients the process may hold, by the files that it may open.
 *
 * @module
 */

import type { Config } from "./config.ts";

/** What a process needs beside clients and backend: listeners, the runtime's own, operators. */
const RESERVE = 64;
/** However many connections to the backend are allowed, they do not take more than this share. */
const BACKEND_SHARE = 0.25;
/**
 * With TLS each client has its own socket and two ends of the way from it to the gateway, where the runtime
 * makes its WebSocket.
 */
const FILES_WITH_TLS = 3;

/**
 * The clients that may be connected: `--max-connections`, or fewer when the open files do not suffice.
 * Beyond them no connection would be accepted at all, not even the operator's.
 *
 * @param workers Threads, each with its own connections to the backend.
 * @returns 1 at least.
 */
export function clientsThatFit(config: Config, workers: number): number {
  const { openFiles, backendConnections, tls, websocket, maxConnections } = config;
  if (openFiles === undefined) return maxConnections;
  const forBackend = Math.min(backendConnections * workers, Math.ceil(openFiles * BACKEND_SHARE));
  const room = openFiles - forBackend - RESERVE;
  const files = tls === undefined || websocket === "ws" ? 1 : FILES_WITH_TLS;
  const clients = Math.floor(room / files);
  return Math.max(1, Math.min(maxConnections, clients));
}
