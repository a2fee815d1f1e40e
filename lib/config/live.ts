/**
 * What may change while the gateway runs.
 *
 * @module
 */

import type { Config } from "./config.ts";
import type { FlagName } from "./flag.ts";

/** Limits that may change at SIGHUP. */
export type Limits = Pick<
  Config,
  "maxConnections" | "maxMemoryBytes" | "connectRate" | "clientRate" | "logLevel"
>;

/** What is new; what is left out stays as it is. */
export interface Changes {
  readonly limits?: Limits;
  /** Never for none: whether requests are signed does not change. */
  readonly signKeys?: readonly Uint8Array[];
  /** Never for none: whether a token is needed does not change. */
  readonly apiToken?: string;
}

/** The flags of `Limits`. */
export const LIMIT_FLAGS: readonly FlagName[] = [
  "max-connections",
  "max-memory",
  "connect-rate",
  "client-rate",
  "log-level",
];

/** The limits of a configuration. */
export function limitsOf(config: Limits): Limits {
  const { maxConnections, maxMemoryBytes, connectRate, clientRate, logLevel } = config;
  return { maxConnections, maxMemoryBytes, connectRate, clientRate, logLevel };
}
