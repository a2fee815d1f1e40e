/**
 * What a bus over NATS is given.
 *
 * @module
 */

import type { NatsConnection } from "@nats-io/transport-node";
import type { Clock } from "../../clock.ts";
import type { SharedTime } from "../../ids.ts";
import type { Log } from "../../log/log.ts";
import type { Metrics } from "../../metrics/metrics.ts";
import type { Peer } from "../bus.ts";

export interface NatsBusOptions {
  /** Begins each subject: instances with another one are another gateway. */
  readonly prefix: string;
  /** This instance, for as long as it lives; a subject token. */
  readonly peerId: string;
  readonly local: Peer;
  /** What ids are made of here. */
  readonly time: SharedTime;
  readonly metrics: NatsMetrics;
  /** What its process listens on; undefined when others of the same address may listen on it too. */
  readonly port: string | undefined;
  /** The longest payload taken from others, as of the API, in bytes. */
  readonly maxMessageBytes: number;
  /** Makes one try to connect; rejects when it fails. */
  readonly connect: () => Promise<NatsConnection>;
  readonly clock: Clock;
  readonly log: Log;
}

/** What is counted of it. */
export type NatsMetrics = Pick<
  Metrics,
  | "natsConnected"
  | "natsPeers"
  | "natsPeersSilent"
  | "natsReconnects"
  | "natsRequestsFailed"
  | "natsRoundTrip"
>;
