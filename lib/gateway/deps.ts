/**
 * What a gateway is given.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Bus, Peer, Witness } from "../cluster/bus.ts";
import type { Secrets } from "../config/secret.ts";
import type { Log } from "../log/log.ts";
import type { RecentFaults } from "../log/recent_faults.ts";
import type { MetricSet } from "../metrics/metrics.ts";
import type { Store } from "../outbox/store.ts";
import type { Random } from "../random.ts";
import type { EarlierReports } from "../report/earlier.ts";
import type { Tracing } from "../trace/tracing.ts";
import type { Validator } from "../validate/validator.ts";

export interface GatewayDeps {
  readonly log: Log;
  /** What the log told of, for the status page. */
  readonly faults?: RecentFaults | undefined;
  readonly version: string;
  /** When the process began, in milliseconds since 1970. */
  readonly startedAt: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly secrets: Secrets;
  /** Keeps what was accepted. Whoever made it closes it, behind the gateway's shutdown. */
  readonly store: Store;
  /** Ties the gateway to others; without it is alone. */
  readonly createBus?: ((local: Peer) => Bus) | undefined;
  readonly witness?: Witness;
  /** Needed for `config.validate` other than `off`. */
  readonly validator?: Validator | undefined;
  /** For one of several gateways in this process; without it is alone. */
  readonly team?: Team | undefined;
  /** Of one of several: the clients whose reports another thread still delivers. */
  readonly earlier?: EarlierReports | undefined;
  /** Without it nothing is traced. */
  readonly tracing?: Tracing | undefined;
}

/** Gateways in threads of one process, which share its ports, its memory and its limits. */
export interface Team {
  readonly size: number;
  /** What this one counts, beside the others. */
  readonly metricSet: MetricSet;
}
