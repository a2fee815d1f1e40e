/**
 * What is kept where nothing outlives the process: nothing beside what its owner holds anyway.
 *
 * @module
 */

import { type Attachment, NOTHING_FOUND, type Outbox } from "./outbox.ts";
import type { Found, Store } from "./store.ts";

/** A store that keeps nothing: whoever has a report holds it, and its end is the thread's. */
export class MemoryStore implements Store {
  /** Calls `done` at once. */
  accept(_call: unknown, done: (isKept: boolean) => void): void {
    done(true);
  }

  end(): void {}

  park(): void {}

  delivered(): void {}

  leave(): void {}

  recover(): Promise<Found> {
    return Promise.resolve(NOTHING_FOUND);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** The outbox of a process without one. */
export class MemoryOutbox implements Outbox {
  readonly store: Store = new MemoryStore();
  readonly isLasting = false;

  attach(): Attachment {
    return { owner: 0, port: undefined };
  }

  recover(): Promise<Found> {
    return Promise.resolve(NOTHING_FOUND);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
