/**
 * What several workers are given.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import type { Secrets } from "../config/secret.ts";
import type { Log } from "../log/log.ts";
import type { RecentFaults } from "../log/recent_faults.ts";
import type { Outbox } from "../outbox/outbox.ts";
import type { Random } from "../random.ts";
import type { Tracing } from "../trace/tracing.ts";
import type { WorkerLike } from "./thread.ts";

export interface SupervisorDeps {
  readonly secrets: Secrets;
  readonly log: Log;
  /** Of all threads; this one's row is the first. */
  readonly faults?: RecentFaults;
  /** Of all threads too, from `metricsBuffer`. */
  readonly metricsMemory?: SharedArrayBuffer;
  readonly version: string;
  /** When the process began, in milliseconds since 1970. */
  readonly startedAt: number;
  /** The name of the process among others; undefined without `--nats`. */
  readonly instance?: string | undefined;
  /** The machine's name; null where that may not be known. */
  readonly host?: string | null | undefined;
  readonly clock: Clock;
  /** For what is reported from here; workers have their own. */
  readonly random: Random;
  /** For what is reported from here; workers have their own. */
  readonly tracing?: Tracing | undefined;
  /** Keeps what all threads accept; without it nothing outlives the process. Not closed from here. */
  readonly outbox?: Outbox;
  /** Makes a thread that runs `serveOrders`. */
  readonly createWorker?: (number: number, config: Config) => WorkerLike;
}
