/**
 * What an operator is told when the gateway has started.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import { probeBackend } from "../forwarder/probe.ts";
import type { Log } from "../log/log.ts";

export interface StartFacts {
  /** As the command line says it. */
  readonly config: Config;
  readonly version: string;
  readonly workers: number;
  /** The clients that the open files leave room for, `--max-connections` at most. */
  readonly clientsThatFit: number;
}

const PROBE_MS = 3000;

/**
 * Logs how the gateway runs, and what will not work: too few open files, a backend that is not there.
 * Never rejects.
 */
export async function tellStart(facts: StartFacts, log: Log, clock: Clock): Promise<void> {
  const { config, version, workers, clientsThatFit } = facts;
  const { backend, maxConnections, isMaxConnectionsAsked, openFiles = null } = config;
  log.info("gateway started", { version, workers, backend });
  if (clientsThatFit < maxConnections && isMaxConnectionsAsked) {
    log.warn(
      "open files (ulimit -n) do not suffice for --max-connections: fewer clients are let in",
      { openFiles, maxConnections, clients: clientsThatFit },
    );
  } else if (clientsThatFit < maxConnections) {
    log.info("open files (ulimit -n) limit the number of clients", {
      openFiles,
      clients: clientsThatFit,
    });
  }
  // What a proxy is for may well be out of this machine's reach.
  if (config.hasProxy && config.forwarder === "fetch") return;
  const reason = await probeBackend(backend, PROBE_MS, clock);
  if (reason !== undefined) {
    log.warn("the backend cannot be reached: is it running, and is --backend right?", {
      backend,
      error: reason,
    });
  }
}
