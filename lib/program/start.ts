/**
 * What an operator is told when the gateway has started.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { probeBackend } from "../forwarder/probe.ts";
import type { Log } from "../log/log.ts";
import type { Configuration } from "./configuration.ts";
import type { MemorySense } from "./memory.ts";

export interface StartFacts extends Configuration {
  readonly version: string;
  readonly workers: number;
  /** The clients that the open files leave room for, `--max-connections` at most. */
  readonly clientsThatFit: number;
  /** Of `--max-memory`. */
  readonly memory: MemorySense;
}

const PROBE_MS = 3000;

/** One line of all that is set, and one for each setting that makes little sense. */
function tellSettings({ settings, warnings, memory }: StartFacts, log: Log): void {
  const set = [...settings].filter(([, { isDefault }]) => !isDefault);
  log.info(
    "settings that are not the default",
    Object.fromEntries(set.map(([name, { shown }]) => [name, shown])),
  );
  for (const { flag, reason } of warnings) {
    log.warn("a setting to look at", { flag: `--${flag}`, reason });
  }
  if (memory.kind !== "odd") return;
  const fields = { flag: "--max-memory", reason: memory.reason };
  // Nobody asked for the default, which is for a machine of that size.
  if (settings.get("max-memory")?.isDefault === false) {
    log.warn("a setting to look at", fields);
  } else log.info("the default does not fit this machine", fields);
}

/**
 * Logs how the gateway runs, and what will not work: too few open files, a backend that is not there.
 * Never rejects.
 */
export async function tellStart(facts: StartFacts, log: Log, clock: Clock): Promise<void> {
  const { config, version, workers, clientsThatFit } = facts;
  const { backend, maxConnections, isMaxConnectionsAsked, openFiles = null } = config;
  log.info("gateway started", { version, workers, backend });
  tellSettings(facts, log);
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
