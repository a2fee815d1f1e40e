/**
 * When the backend is away for an instance, by the contract's words (section 4).
 *
 * Seen from outside: by what the instance was told of its requests and looks, and by what its clients
 * wait for.
 *
 * @module
 */

import { type BackendReply, isFailing } from "../../lib/forwarder/forwarder.ts";
import type { Sight } from "../../lib/forwarder/look.ts";
import type { Attempt, ClientCall } from "./entries.ts";
import type { Timeline } from "./timeline.ts";

const FAILURES = 50;
const MIN_OUTAGE_MS = 5000;
/** A timer of the runtime may come a little too early. */
const EARLY_MS = 2;

/** Owns what one instance can know of the backend. */
export class AwayModel {
  readonly #timeline: Timeline;
  readonly #holdMs: number;
  /** The end of the time in which it could not be reached, the last one; infinite while it cannot. */
  #missedTo = -Infinity;
  #failures = 0;
  #failingSince = 0;
  #isAway = false;

  constructor(timeline: Timeline, holdMs: number) {
    this.#timeline = timeline;
    this.#holdMs = holdMs;
  }

  replied(reply: BackendReply): void {
    if (!reply.ok) {
      if (reply.fault === "unreachable") this.#missedTo = Infinity;
    } else if (isFailing(reply)) {
      if (this.#failures++ === 0) this.#failingSince = this.#timeline.now;
      this.#connected();
      // It may be told of it later than it became so.
      this.#isAway ||= this.#failures >= FAILURES &&
        this.#timeline.now - this.#failingSince >= MIN_OUTAGE_MS - EARLY_MS;
    } else this.#answered();
  }

  saw(sight: Sight): void {
    if (sight === "connected") this.#connected();
    else if (sight === "answered") this.#answered();
  }

  /** Whether it could not be reached when it was last heard of. */
  get isMissed(): boolean {
    return this.#missedTo === Infinity;
  }

  /** Whether it may say that the backend is away. @param calls Those of its clients. */
  mayBeAway(calls: Iterable<ClientCall>): boolean {
    if (this.#isAway) return true;
    const latest = this.#timeline.now - this.#holdMs + EARLY_MS;
    for (const call of calls) {
      const since = heldSince(call);
      if (call.kind !== "call" || since === undefined || this.#missedTo < since) continue;
      if (since > latest) continue;
      return this.#isAway = true;
    }
    return false;
  }

  #connected(): void {
    if (this.#missedTo === Infinity) this.#missedTo = this.#timeline.now;
  }

  #answered(): void {
    this.#failures = 0;
    this.#isAway = false;
    this.#connected();
  }
}

/**
 * Since when a CALL may wait in an instance, as far as anybody knows; undefined when it does not. Of one that
 * was sent again each one may, whatever the one before was answered.
 */
function heldSince(
  { attempts, arrivals, isDropped }: Pick<ClientCall, "attempts" | "arrivals" | "isDropped">,
): number | undefined {
  if (isDropped) return undefined;
  const isAnswer = ({ reply }: Attempt): boolean =>
    reply !== undefined && (reply.ok || reply.fault !== "unreachable");
  const answeredAt = attempts.findLast(isAnswer)?.repliedAt ?? -Infinity;
  return arrivals.find((at) => at >= answeredAt);
}

/** Whether a CALL may wait in an instance that closes its client. */
export function isHeld(call: Pick<ClientCall, "attempts" | "arrivals">): boolean {
  return heldSince({ ...call, isDropped: false }) !== undefined;
}
