/**
 * The last warnings and errors of the log, of all threads of this process.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Log, LogFields } from "./log.ts";

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
export type FaultCursor = readonly number[];

/** Kept of each thread. */
const SLOTS = 100;
const SLOT_BYTES = 1024;
/** A slot begins with its entry's number and its length, four bytes each. */
const SLOT_HEAD_BYTES = 8;
/** A row begins with the number of its last entry. */
const ROW_HEAD_BYTES = 8;
const ROW_BYTES = ROW_HEAD_BYTES + SLOTS * SLOT_BYTES;
/** In place of an entry's number while its slot is written. */
const WRITING = -1;

/** The memory for this many threads; to be handed to each. */
export function faultsBuffer(threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer(threads * ROW_BYTES);
}

/**
 * One thread's last faults, among those of the others.
 *
 * Each row has one writer and no lock: a reader looks at an entry's number before and after it has
 * copied it, and leaves it out when it was written over in the meantime.
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
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #row: number;
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder();

  /**
   * Without `buffer`: of a thread that is alone.
   *
   * @param buffer From `faultsBuffer`.
   * @param row This thread's, from 0; nobody else may write to it.
   */
  constructor(clock: Clock, buffer: SharedArrayBuffer = faultsBuffer(1), row = 0) {
    this.#clock = clock;
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
    this.#bytes = new Uint8Array(buffer);
    this.#row = row;
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
    const faults: RecentFault[] = [];
    const next: number[] = [];
    for (let row = 0; row * ROW_BYTES < this.#bytes.length; row++) {
      const last = Atomics.load(this.#words, row * ROW_BYTES / 4);
      const first = Math.max((cursor[row] ?? 0) + 1, last - SLOTS + 1);
      for (let number = first; number <= last; number++) {
        const fault = this.#read(row, number);
        if (fault !== undefined) faults.push(fault);
      }
      next.push(last);
    }
    return { faults: faults.sort((a, b) => a.at - b.at), cursor: next };
  }

  #note(level: RecentFault["level"], event: string, fields: LogFields = {}): void {
    const head = this.#row * ROW_BYTES / 4;
    // A thread that was started again goes on with its row.
    const number = this.#words[head]! + 1;
    const at = slotAt(this.#row, number);
    const text = this.#fitting({ at: this.#clock.wallNow(), level, event, fields });
    Atomics.store(this.#words, at / 4, WRITING);
    this.#words[at / 4 + 1] = text.length;
    this.#bytes.set(text, at + SLOT_HEAD_BYTES);
    Atomics.store(this.#words, at / 4, number);
    Atomics.store(this.#words, head, number);
  }

  #read(row: number, number: number): RecentFault | undefined {
    const at = slotAt(row, number);
    if (Atomics.load(this.#words, at / 4) !== number) return undefined;
    const length = this.#words[at / 4 + 1]!;
    const copy = this.#bytes.slice(at + SLOT_HEAD_BYTES, at + SLOT_HEAD_BYTES + length);
    if (Atomics.load(this.#words, at / 4) !== number) return undefined;
    try {
      return { ...JSON.parse(this.#decoder.decode(copy)), thread: row };
    } catch {
      // Torn, though its number stood still.
      return undefined;
    }
  }

  /** As JSON that fits into a slot: values are cut, and the last fields left out where that is not enough. */
  #fitting(fault: Omit<RecentFault, "thread">): Uint8Array {
    const fields = Object.entries(fault.fields);
    for (let longest = 300;; longest = Math.ceil(longest / 2)) {
      const cut = fields.map(([name, value]) => [
        name,
        typeof value === "string" && value.length > longest
          ? `${value.slice(0, longest)}…`.toWellFormed()
          : value,
      ]);
      const text = this.#encoder.encode(
        JSON.stringify({ ...fault, fields: Object.fromEntries(cut) }),
      );
      if (text.length <= SLOT_BYTES - SLOT_HEAD_BYTES) return text;
      if (longest === 1) fields.pop();
    }
  }
}

/** Where an entry stands. */
function slotAt(row: number, number: number): number {
  return row * ROW_BYTES + ROW_HEAD_BYTES + (number % SLOTS) * SLOT_BYTES;
}
