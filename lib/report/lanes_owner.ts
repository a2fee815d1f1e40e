/**
 * What the owner of all lanes is told.
 *
 * @module
 */

import type { Tracked } from "./tracked.ts";

/** Whom the lanes tell of a report that is in them no longer, and of the backend. */
export interface LanesOwner {
  taken(tracked: Tracked): void;
  /** It is not tried any more. */
  givenUp(tracked: Tracked): void;
  /** It was to be removed, or is another owner's, and the try that was under way has failed. */
  removed(tracked: Tracked): void;
  /** Whether it has been tried for long enough. */
  isTooOld(tracked: Tracked): boolean;
  /** One has not gone out, or did not arrive: something waits from now on. */
  waits(): void;
  wentAway(): void;
  caughtUp(): void;
}
