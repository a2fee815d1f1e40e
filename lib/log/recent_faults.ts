/**
 * The last warnings and errors of the log, of all threads of this process.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Log, LogFields } from "./log.ts";
import { type Cursor, cutTo, Recent, recentBuffer } from "./recent.ts";

/** One line of the log that tells of something wrong. */
export interface RecentFault {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly level: "warn" | "error";
  readonly event: string;
  readonly fields: LogFields;
  /** The thread's row: 0 is the main one's. */
  readonly thread: number;
}

/** Where a reader has come to: how many of each thread's it has seen. */
export type FaultCursor = Cursor;

/** Kept of each thread. */
const SLOTS = 100;

/** The memory for this many threads; to be handed to each. */
export function faultsBuffer(threads: number): SharedArrayBuffer {
  return recentBuffer(SLOTS, threads);
}

/**
 * One thread's last faults, among those of the others.
 *
 * @example
 * ```ts
 * import { systemClock } from "../clock.ts";
 * import { RecentFaults } from "./recent_faults.ts";
 * import { silentLog } from "./log.ts";
 * import { strictEqual } from "node:assert/strict";
 *
 * const faults = new RecentFaults(systemClock);
 * faults.watch(silentLog).warn("queue full", { clientId: "CP1" });
 * const { faults: [fault], cursor } = faults.since([]);
 * strictEqual(fault?.fields.clientId, "CP1");
 * strictEqual(faults.since(cursor).faults.length, 0);
 * ```
 */
export class RecentFaults {
  /** To be handed to other threads. */
  readonly buffer: SharedArrayBuffer;
  readonly #clock: Clock;
  readonly #recent: Recent<Omit<RecentFault, "thread">>;

  /**
   * Without `buffer`: of a thread that is alone.
   *
   * @param buffer From `faultsBuffer`.
   * @param row This thread's, from 0; nobody else may write to it.
   */
  constructor(clock: Clock, buffer: SharedArrayBuffer = faultsBuffer(1), row = 0) {
    this.#clock = clock;
    this.buffer = buffer;
    this.#recent = new Recent(SLOTS, buffer, row);
  }

  /** A log that remembers here what it is told of warnings and errors. */
  watch(log: Log): Log {
    return {
      get isDebug() {
        return log.isDebug;
      },
      debug: log.debug,
      info: log.info,
      audit: log.audit,
      warn: (event, fields) => {
        log.warn(event, fields);
        this.#note("warn", event, fields);
      },
      error: (event, fields) => {
        log.error(event, fields);
        this.#note("error", event, fields);
      },
    };
  }

  /**
   * What has been noted since, as far as it is still there, the oldest first.
   *
   * @param cursor From the reading before; empty for the first.
   */
  since(cursor: FaultCursor): { faults: RecentFault[]; cursor: FaultCursor } {
    const { entries: faults, cursor: next } = this.#recent.since(cursor);
    return { faults, cursor: next };
  }

  /** Values are cut to fit, and the last fields left out where that is not enough. */
  #note(level: RecentFault["level"], event: string, fields: LogFields = {}): void {
    const at = this.#clock.wallNow();
    const all = Object.entries(fields);
    this.#recent.note((longest, dropped) => {
      const cut = all.slice(0, all.length - dropped).map(([name, value]) => [
        name,
        typeof value === "string" ? cutTo(longest, value) : value,
      ]);
      return { at, level, event, fields: Object.fromEntries(cut) };
    });
  }
}
