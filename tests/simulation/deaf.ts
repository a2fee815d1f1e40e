/**
 * Stores that do not hear what they are told.
 *
 * @module
 */

import type { Store } from "../../lib/outbox/store.ts";

/** A store that is not told all. @param changes What it does otherwise. */
export function deaf(store: Store, changes: Partial<Store>): Store {
  return {
    isLasting: store.isLasting === true,
    accept: (call, done) => store.accept(call, done),
    end: (report) => store.end(report),
    park: (id, parked) => store.park(id, parked),
    delivered: (id) => store.delivered(id),
    recover: () => store.recover(),
    follow: (follower) => store.follow?.(follower),
    close: () => store.close(),
    ...changes,
  };
}
