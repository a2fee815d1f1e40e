/**
 * The ports of all workers.
 *
 * @module
 */

import type { Config } from "../config/config.ts";
import { reserve } from "../listener/reserve.ts";

/** Ports that are this program's, before its workers listen on them. */
export interface Places {
  /** The configuration with these ports in it. */
  readonly config: Config;
  /** Workers may listen now. */
  makeWay(): void;
  /** They do. */
  release(): void;
}

/**
 * Takes the ports of a configuration alone: those who share a port would not notice that another program
 * shares it too.
 *
 * @throws {Deno.errors.AddrInUse} and what else listening throws; nothing is taken then.
 */
export function reservePlaces(config: Config): Places {
  const listen = reserve(config.listen, config.reusePort);
  let apiListen: ReturnType<typeof reserve> | undefined;
  try {
    if (config.apiListen !== undefined) apiListen = reserve(config.apiListen, config.reusePort);
  } catch (error) {
    listen.release();
    throw error;
  }
  return {
    config: { ...config, listen: listen.address, apiListen: apiListen?.address },
    makeWay() {
      listen.makeWay();
      apiListen?.makeWay();
    },
    release() {
      listen.release();
      apiListen?.release();
    },
  };
}
