/**
 * What is kept where nothing is kept on disk: nothing beside what its owner holds anyway.
 *
 * @module
 */

import type { Found, Store } from "./store.ts";

const NOTHING_FOUND: Found = { calls: [], reports: [] };

/** A store that keeps nothing: whoever has a report holds it, and its end is the thread's. */
export class MemoryStore implements Store {
  /** Calls `done` at once. */
  accept(_call: unknown, done: (isKept: boolean) => void): void {
    done(true);
  }

  end(): void {}

  park(): void {}

  delivered(): void {}

  recover(): Promise<Found> {
    return Promise.resolve(NOTHING_FOUND);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
