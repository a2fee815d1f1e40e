/**
 * What a gateway is given.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Departures } from "../client/departures.ts";
import type { Bus, Peer, Witness } from "../cluster/bus.ts";
import type { Secrets } from "../config/secret.ts";
import type { Look } from "../forwarder/look.ts";
import type { CreateConnections } from "../forwarder/stack.ts";
import type { SharedTime } from "../ids.ts";
import type { Log } from "../log/log.ts";
import type { RecentFaults } from "../log/recent_faults.ts";
import type { Metrics, MetricSet } from "../metrics/metrics.ts";
import type { Store } from "../outbox/store.ts";
import type { Random } from "../random.ts";
import type { EarlierReports } from "../report/earlier.ts";
import type { SocketMaker } from "../socket/socket.ts";
import type { History } from "../status/history.ts";
import type { Tracing } from "../trace/tracing.ts";
import type { Validator } from "../validate/validator.ts";

export interface GatewayDeps {
  readonly log: Log;
  /** What the log told of, for the status page. */
  readonly faults?: RecentFaults | undefined;
  /** Who went, for the status page; given to those who share them with other threads. */
  readonly departures?: Departures | undefined;
  /** The last minutes in numbers; given where another thread writes it. */
  readonly history?: History | undefined;
  readonly version: string;
  /** When the process began, in milliseconds since 1970. */
  readonly startedAt: number;
  /** The process's name among others; undefined without others. */
  readonly instance?: string | undefined;
  /** The machine's name; null where that may not be known. */
  readonly host?: string | null | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly secrets: Secrets;
  /** Keeps what was accepted. Whoever made it closes it, behind the gateway's shutdown. */
  readonly store: Store;
  /** Ties the gateway to others; without it is alone. */
  readonly createBus?: ((local: Peer, shared: BusShare) => Bus) | undefined;
  readonly witness?: Witness;
  /** Needed for `config.validate` other than `off`. */
  readonly validator?: Validator | undefined;
  /** For one of several gateways in this process; without it is alone. */
  readonly team?: Team | undefined;
  /** Of one of several: the clients whose reports another thread still delivers. */
  readonly earlier?: EarlierReports | undefined;
  /** Without it nothing is traced. */
  readonly tracing?: Tracing | undefined;
  /** Makes clients' sockets of upgrades; without it the configuration says which. */
  readonly sockets?: SocketMaker | undefined;
  /** Makes the connections to the backend; without it the configuration says which. */
  readonly createConnections?: CreateConnections | undefined;
  /** Looks whether the backend is there, when no request tells; without it over connections of its own. */
  readonly look?: Look | undefined;
}

/** What of a gateway its bus works with. */
export interface BusShare {
  /** What ids of connections are made of. */
  readonly time: SharedTime;
  readonly metrics: Metrics;
}

/** Gateways in threads of one process, which share its ports, its memory and its limits. */
export interface Team {
  readonly size: number;
  /** What this one counts, beside the others. */
  readonly metricSet: MetricSet;
}
