/**
 * What all threads of the process see of each other.
 *
 * @module
 */

import { Departures, departuresBuffer } from "../client/departures.ts";
import { ABNORMAL } from "../client/ending.ts";
import type { Identity } from "../identity.ts";
import { faultsBuffer } from "../log/recent_faults.ts";
import { metricsBuffer, MetricSet } from "../metrics/metrics.ts";
import { residentBytes } from "../metrics/process.ts";
import { History } from "../status/history.ts";
import { HistoryWatch } from "../status/history_watch.ts";
import type { SupervisorDeps } from "./deps.ts";

/** How clients of a worker that died went. */
const WITH_WORKER = { cause: "worker_died", code: ABNORMAL, reason: "" } as const;

/** Owns the memory, and the main thread's rows in it. The main thread writes the history of all. */
export class SharedMemory {
  readonly metricSet: MetricSet;
  /** To be handed to each worker. */
  readonly buffers: {
    readonly metrics: SharedArrayBuffer;
    readonly faults: SharedArrayBuffer;
    readonly departures: SharedArrayBuffer;
    readonly history: SharedArrayBuffer;
  };
  readonly #departures: Departures;
  readonly #historyWatch: HistoryWatch;

  /** @param workers How many there are, beside the main thread. */
  constructor(
    protocols: readonly string[],
    workers: number,
    { clock, faults, metricsMemory }: Pick<SupervisorDeps, "clock" | "faults" | "metricsMemory">,
  ) {
    const threads = 1 + workers;
    const history = new History();
    const metrics = metricsMemory ?? metricsBuffer(protocols, threads);
    this.metricSet = new MetricSet(protocols, metrics, 0);
    this.#departures = new Departures(clock, departuresBuffer(threads), 0);
    this.#historyWatch = new HistoryWatch({
      ...{ history, metrics: this.metricSet.metrics, clock },
      readResident: residentBytes,
    });
    this.buffers = {
      metrics,
      faults: faults?.buffer ?? faultsBuffer(threads),
      departures: this.#departures.buffer,
      history: history.buffer,
    };
  }

  /** Begins to write the history; `stop` must follow. */
  start(): void {
    this.#historyWatch.start();
  }

  stop(): void {
    this.#historyWatch.stop();
  }

  /** A worker has died: it holds nothing any more. @param clients Those that it had. */
  workerDied(number: number, clients: readonly Identity[]): void {
    this.metricSet.clearGauges(number);
    const { closed, workerDeaths } = this.metricSet.metrics;
    closed.worker_died.add(clients.length);
    workerDeaths.add(1);
    this.#departures.noteAll(clients, WITH_WORKER);
  }
}
