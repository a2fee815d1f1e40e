/**
 * The few numbers that tell how it goes, for people and scripts without Prometheus.
 *
 * @module
 */

import { totalOf } from "./family.ts";
import type { Metrics } from "./metrics.ts";

/** Counters since the start as `name value` lines. */
export function countersText(metrics: Metrics): string {
  const { opened, closed, requestsStarted, requestsFailed, requestsSucceeded, faults } = metrics;
  const counters = {
    connections_opened: opened.sum,
    connections_closed: totalOf(closed),
    requests_started: requestsStarted.sum,
    requests_failed: requestsFailed.sum,
    requests_succeeded: requestsSucceeded.sum,
    faults: totalOf(faults),
  };
  return Object.entries(counters).map(([name, value]) => `${name} ${value}\n`).join("");
}
