/**
 * Deliveries as the configuration has them.
 *
 * @module
 */

import type { Config } from "../config/config.ts";
import { outcomeSlots } from "../forwarder/slots.ts";
import type { QueueLimits } from "../queue/lane.ts";
import { Deliveries, type DeliveriesDeps } from "./deliveries.ts";

/** Makes those of one thread; nothing runs yet. */
export function createDeliveries(
  config:
    & Pick<Config, "maxQueue" | "maxReports" | "reportTtlMs" | "backendConnections">
    & QueueLimits,
  deps: Pick<
    DeliveriesDeps,
    | "forwarder"
    | "store"
    | "ids"
    | "clock"
    | "random"
    | "log"
    | "metrics"
    | "earlier"
    | "follower"
    | "threads"
  >,
): Deliveries {
  const { backendConnections, maxReports, reportTtlMs } = config;
  return new Deliveries({
    ...deps,
    limits: config,
    slots: backendConnections,
    outcomeSlots: outcomeSlots(backendConnections),
    maxReports,
    reportTtlMs,
  });
}
