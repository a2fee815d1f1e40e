/**
 * How all instances do, asked while somebody looks.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Clients } from "../cluster/clients.ts";
import type { InstanceState } from "../cluster/survey.ts";
import type { Log } from "../log/log.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { totalOf } from "../metrics/family.ts";
import type { History } from "./history.ts";

/** One instance, as those who look are told. */
export interface ListedInstance extends InstanceState {
  /** Whether it is the one that tells. */
  readonly self: boolean;
}

export interface Instances {
  /** Whether all that are known have answered. */
  readonly complete: boolean;
  /** Sorted by name; each process once, however many threads it has. */
  readonly list: readonly ListedInstance[];
}

/** What of a process stays. */
export interface InstanceNames {
  readonly instance: string;
  readonly host: string | null;
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

/** How this process does. */
export function instanceStateOf(
  names: InstanceNames,
  metrics: Pick<Metrics, "connections" | "waiting" | "eventLoopLag">,
  history: Pick<History, "last">,
  residentBytes: number,
): InstanceState {
  // The first second knows no rates.
  const { inRate = 0, outRate = 0, failedRate = 0 } = history.last ?? {};
  return {
    ...names,
    clients: totalOf(metrics.connections),
    ...{ inRate, outRate, failedRate },
    waiting: metrics.waiting.sum,
    residentBytes,
    lagMs: Math.round(1000 * 1000 * metrics.eventLoopLag.max) / 1000,
  };
}

export interface InstancesLookDeps {
  readonly clients: Pick<Clients, "survey">;
  /** This process's name. */
  readonly instance: string;
  readonly clock: Pick<Clock, "now">;
  readonly log: Pick<Log, "error">;
}

const ASK_MS = 3000;

/**
 * Asks all instances how they do, for all who look together.
 *
 * Always true: it asks one question at a time, each 3 s at most, and only when it is looked at.
 */
export class InstancesLook {
  readonly #deps: InstancesLookDeps;
  #askedAt = -Infinity;
  #isAsking = false;
  #latest: Instances | undefined;

  constructor(deps: InstancesLookDeps) {
    this.#deps = deps;
  }

  /** What was answered last, a new object each time; undefined before the first answer. */
  get latest(): Instances | undefined {
    return this.#latest;
  }

  /** Somebody looks: asks again when it is time. */
  look(): void {
    const now = this.#deps.clock.now();
    if (this.#isAsking || now - this.#askedAt < ASK_MS) return;
    this.#askedAt = now;
    this.#isAsking = true;
    void this.#ask().catch((error) => {
      this.#deps.log.error("a status stream failed", { error: String(error) });
    }).finally(() => this.#isAsking = false);
  }

  async #ask(): Promise<void> {
    const { clients, instance } = this.#deps;
    const { answers, isComplete } = await clients.survey<"instance">({ kind: "instance" });
    const byName = new Map<string, ListedInstance>();
    for (const state of answers) {
      if (state === null || byName.has(state.instance)) continue;
      byName.set(state.instance, { ...state, self: state.instance === instance });
    }
    const list = [...byName.values()].sort((a, b) => a.instance < b.instance ? -1 : 1);
    this.#latest = { complete: isComplete, list };
  }
}
