/**
 * Where accepted CALLs and their reports are kept, so that they outlive what happens to this thread.
 *
 * @module
 */

import type { AcceptedCall, KeptReport, Parked } from "./entry.ts";

/** What was found at the start. */
export interface Found {
  /** CALLs that were accepted and have no outcome; the oldest first. */
  readonly calls: readonly AcceptedCall[];
  /** Reports that were not delivered, parked ones too; the oldest first. */
  readonly reports: readonly KeptReport[];
}

/** Whom a store tells of what changes hands while this process runs. */
export interface StoreFollower {
  /** Another owner has gone, and what it left is to be delivered from here from now on. */
  inherited(found: Found): void;
  /**
   * What has these ids is another owner's by now: none of it may be delivered from here, nor what its CALLs
   * come to. The store knows nothing of them any more.
   */
  lost(ids: readonly string[]): void;
}

/**
 * Keeps what was accepted until it was delivered. What is told of one id takes effect in the order told.
 *
 * None of it throws or rejects: a store that cannot write says so in `accept`, and keeps what else it
 * was told in memory until it can.
 */
export interface Store {
  /** Whether what it keeps outlives the process, and is delivered by another one; not without. */
  readonly isLasting?: boolean;
  /**
   * A CALL is about to be accepted.
   *
   * @param done Called once, maybe before this returns: true when the CALL is kept (on disk: synced;
   *   in JetStream: by most of its servers); false when it cannot be, and nothing of it is kept then.
   */
  accept(call: AcceptedCall, done: (isKept: boolean) => void): void;
  /** A report came to be: the outcome of the accepted CALL with its id, or one of its own. */
  end(report: KeptReport): void;
  /** A report is kept for inspection only from now on; undefined: it is tried again. */
  park(id: string, parked: Parked | undefined): void;
  /** Nothing with this id is owed any more: the backend has its report, or it was given up. */
  delivered(id: string): void;
  /**
   * What an earlier process, or a thread that died, left behind; it is this owner's from now on. What
   * of it cannot be had yet comes to its follower.
   */
  recover(): Promise<Found>;
  /** Of one whose entries may change hands; what did before this is told now. Once only. */
  follow?(follower: StoreFollower): void;
  /** Resolves in bounded time, when all that was told is kept for good, as far as it can be. */
  close(): Promise<void>;
}
