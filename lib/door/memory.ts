/**
 * The last bound on memory: what no limit on messages can hold.
 *
 * @module
 */

import { type Clock, every } from "../clock.ts";
import type { Log } from "../log/log.ts";

/** The part of a connection that counts here. */
export interface Sheddable {
  /** When its last whole frame came, in milliseconds since 1970; null when none ever did. */
  readonly heardAt: number | null;
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
/** Who sent a whole frame in this time holds what came since, and that is little. */
const HEARD_MS = 2000;
/** Batches in a row after which memory is no less: it is not the clients' then. */
const MAX_BARREN = 2;
/** So much of the bound must a batch free. */
const FREED_SHARE = 0.01;
/** Memory that grows by so much of the bound while nothing is cut may be the clients' again. */
const GROWN_SHARE = 0.05;

/**
 * Watches resident memory. The runtime buffers up to 64 MiB of an unfinished message before this
 * program sees a byte of it, so `--max-message` alone bounds nothing against clients that never finish.
 *
 * Above the bound it refuses upgrades, cuts what was closed and has not ended, and each second as many
 * connections as a twentieth of all: those that never sent a valid frame, then those whose last one
 * came longest ago, and never one that was just heard. When two batches freed nothing it cuts no more
 * until memory grows again.
 */
export class MemoryWatch {
  readonly #options: MemoryWatchOptions;
  #closing: { cutClosing(): void } = { cutClosing: () => {} };
  #stop = (): void => {};
  #isTight = false;
  #shedAt = -Infinity;
  /** Resident bytes at the last batch; undefined before the first one above the bound. */
  #before: number | undefined;
  #barren = 0;

  constructor(options: MemoryWatchOptions) {
    this.#options = options;
  }

  /** Whether upgrades must be refused. */
  get isTight(): boolean {
    return this.#isTight;
  }

  /**
   * Begins to look; `stop` must follow.
   *
   * @param closing Cuts the sockets that were closed: their clients may go on sending.
   */
  start(closing: { cutClosing(): void }): void {
    this.#closing = closing;
    this.#stop = every(this.#options.clock, LOOK_MS, () => this.#look());
  }

  stop(): void {
    this.#stop();
  }

  #look(): void {
    const { maxBytes, readResident } = this.#options;
    const resident = readResident();
    if (resident <= maxBytes) {
      if (resident < maxBytes * RELAXED_SHARE) this.#isTight = false;
      this.#before = undefined;
      this.#barren = 0;
      return;
    }
    this.#isTight = true;
    this.#closing.cutClosing();
    if (this.#mayShed(resident)) this.#shed(resident);
  }

  #mayShed(resident: number): boolean {
    const { maxBytes, clock, log } = this.#options;
    if (clock.now() - this.#shedAt < SHED_MS) return false;
    const before = this.#before;
    if (before === undefined) return true;
    if (this.#barren >= MAX_BARREN) {
      if (resident <= before + maxBytes * GROWN_SHARE) return false;
      this.#barren = 0;
      return true;
    }
    this.#barren = resident > before - maxBytes * FREED_SHARE ? this.#barren + 1 : 0;
    if (this.#barren < MAX_BARREN) return true;
    this.#before = resident;
    log.error("memory is short, and cutting clients frees nothing", { resident, maxBytes });
    return false;
  }

  #shed(resident: number): void {
    const { maxBytes, connections, threads = 1, clock, log } = this.#options;
    const heardBefore = clock.wallNow() - HEARD_MS;
    const victims = victimsOf(connections.all(), heardBefore, Math.ceil(SHED_AT_LEAST / threads));
    if (victims.length === 0) return;
    this.#shedAt = clock.now();
    this.#before = resident;
    for (const connection of victims) connection.cut();
    log.error("memory is short: connections cut", { resident, maxBytes, cut: victims.length });
  }
}

/**
 * Who is cut in one batch: those that never sent a valid frame, the oldest first; only when there are
 * none, those whose last one came longest ago.
 *
 * @param heardBefore Who was heard later is spared; milliseconds since 1970.
 * @param atLeast How many, when a twentieth is less.
 */
export function victimsOf<C extends Sheddable>(
  all: readonly C[],
  heardBefore: number,
  atLeast: number = SHED_AT_LEAST,
): C[] {
  const count = Math.max(atLeast, Math.ceil(all.length * SHED_SHARE));
  const silent = all.filter(({ heardAt }) => heardAt === null);
  const since = ({ heardAt, connectedAt }: C): number => heardAt ?? connectedAt;
  const pool = silent.length > 0 ? silent : all.filter((each) => since(each) < heardBefore);
  return pool.toSorted((a, b) => since(a) - since(b)).slice(0, count);
}
