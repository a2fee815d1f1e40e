/**
 * The last bound on memory: what no limit on messages can hold.
 *
 * @module
 */

import { type Clock, every } from "../clock.ts";
import type { Log } from "../log/log.ts";

/** The part of a connection that counts here. */
export interface Sheddable {
  readonly hasSpoken: boolean;
  readonly connectedAt: number;
  cut(): void;
}

export interface MemoryWatchOptions {
  /** Resident bytes from which on connections are shed. */
  readonly maxBytes: number;
  /** The process's resident memory in bytes. */
  readonly readResident: () => number;
  readonly connections: { all(): Sheddable[] };
  /** Threads that watch the same memory: each cuts its part. */
  readonly threads?: number;
  readonly clock: Clock;
  readonly log: Log;
}

const LOOK_MS = 250;
/** Freed memory shows with a delay: no second batch before it could. */
const SHED_MS = 1000;
const SHED_SHARE = 0.05;
const SHED_AT_LEAST = 20;
/** Upgrades are let in again below this share of the bound. */
const RELAXED_SHARE = 0.95;

/**
 * Watches resident memory. The runtime buffers up to 64 MiB of an unfinished message before this
 * program sees a byte of it, so `--max-message` alone bounds nothing against clients that never finish.
 *
 * Above the bound it refuses upgrades, and each second cuts as many connections as a twentieth of all:
 * those that never sent a valid frame, the newest first; when there are no such, the newest.
 */
export class MemoryWatch {
  readonly #options: MemoryWatchOptions;
  #stop = (): void => {};
  #isTight = false;
  #shedAt = -Infinity;

  constructor(options: MemoryWatchOptions) {
    this.#options = options;
  }

  /** Whether upgrades must be refused. */
  get isTight(): boolean {
    return this.#isTight;
  }

  /** Begins to look; `stop` must follow. */
  start(): void {
    this.#stop = every(this.#options.clock, LOOK_MS, () => this.#look());
  }

  stop(): void {
    this.#stop();
  }

  #look(): void {
    const { maxBytes, readResident, connections, threads = 1, clock, log } = this.#options;
    const resident = readResident();
    if (resident <= maxBytes) {
      if (resident < maxBytes * RELAXED_SHARE) this.#isTight = false;
      return;
    }
    this.#isTight = true;
    const now = clock.now();
    if (now - this.#shedAt < SHED_MS) return;
    this.#shedAt = now;
    const victims = victimsOf(connections.all(), Math.ceil(SHED_AT_LEAST / threads));
    for (const connection of victims) connection.cut();
    log.error("memory is short: connections cut", { resident, maxBytes, cut: victims.length });
  }
}

/**
 * Who is cut in one batch: the newest of those that never sent a valid frame; only when there are none,
 * the newest of all, for the first may have been enough.
 *
 * @param atLeast How many, when a twentieth is less.
 */
export function victimsOf<C extends Sheddable>(
  all: readonly C[],
  atLeast: number = SHED_AT_LEAST,
): C[] {
  const count = Math.max(atLeast, Math.ceil(all.length * SHED_SHARE));
  const silent = all.filter((connection) => !connection.hasSpoken);
  return (silent.length > 0 ? silent : all)
    .toSorted((a, b) => b.connectedAt - a.connectedAt)
    .slice(0, count);
}
