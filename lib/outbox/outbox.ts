/**
 * One outbox for all threads of a process.
 *
 * @module
 */

import type { Found, Store } from "./store.ts";

/** The outbox of a process, as its main thread sees it. */
export interface Outbox {
  /** The main thread's own. */
  readonly store: Store;
  /** Whether what is kept outlives the process. */
  readonly isLasting: boolean;
  /** Makes a place for one worker's life. What the worker tells its store belongs to that owner. */
  attach(): Attachment;
  /**
   * What a dead owner left, each once; it belongs to the main thread from now on. All that the dead
   * one had told its store is taken first. Never rejects; a second call finds nothing.
   */
  recover(owner: number): Promise<Found>;
  /** Writes what there is and ends, in bounded time. Once only, after all stores; never rejects. */
  close(): Promise<void>;
}

/** A place of one worker at the outbox. */
export interface Attachment {
  /** Names it in `recover`. */
  readonly owner: number;
  /** The worker's way to the outbox, to be transferred to it; undefined when it needs none. */
  readonly port: MessagePort | undefined;
}

/** Nothing. */
export const NOTHING_FOUND: Found = { calls: [], reports: [] };
