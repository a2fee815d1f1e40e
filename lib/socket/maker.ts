/**
 * Which implementation of WebSockets is used.
 *
 * @module
 */

import process from "node:process";
import type { Clock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import type { Log } from "../log/log.ts";
import { createDenoSockets } from "./deno_socket.ts";
import type { SocketMaker } from "./socket.ts";

/** Makes the one that `--websocket` names. The library is loaded only where it is used. */
export async function createSockets(
  config: Pick<Config, "websocket" | "compression" | "maxMessageBytes">,
  clock: Clock,
  log: Log,
): Promise<SocketMaker> {
  if (config.websocket === "deno") return createDenoSockets(log);
  // The library looks for a variable of its own, and the program has given up to read any.
  const { env } = process;
  process.env = {};
  try {
    const { createWsSockets } = await import("./ws/ws_sockets.ts");
    return createWsSockets(config, clock);
  } finally {
    process.env = env;
  }
}
