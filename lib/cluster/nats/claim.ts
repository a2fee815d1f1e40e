/**
 * Whether the outcome of a CALL is still to be reported here, in the words of whoever accepted it.
 *
 * @module
 */

import { type Clock, pause } from "../../clock.ts";
import { CLAIM_MS } from "../times.ts";
import { isNoResponders } from "../../nats/fault.ts";
import type { BusLink } from "./bus_link.ts";
import type { PeerNote } from "./note.ts";
import { readClaimed } from "./read_answer.ts";

export interface ClaimDeps {
  /** This instance. */
  readonly peerId: string;
  /** The subject of another one. */
  readonly subjectOf: (peerId: string) => string;
  readonly link: Pick<BusLink, "connection" | "isUp" | "notUnderstood" | "requestFailed">;
  readonly clock: Clock;
}

/** Between two looks whether NATS is back. */
const LOOK_MS = 50;

/**
 * Asks the instance that accepted a CALL, as soon as NATS can be reached. Never rejects.
 *
 * @returns Undefined when it does not say so within `CLAIM_MS`, or is not there.
 */
export async function claim(
  from: string,
  number: number,
  { peerId, subjectOf, link, clock }: ClaimDeps,
): Promise<boolean | undefined> {
  const end = clock.now() + CLAIM_MS;
  const note = JSON.stringify({ kind: "claim", peerId, number } satisfies PeerNote);
  for (let left = CLAIM_MS; left > 0; left = end - clock.now()) {
    const { connection, isUp } = link;
    if (connection === null || !isUp) {
      await pause(clock, Math.min(LOOK_MS, left));
      continue;
    }
    try {
      const answer = await connection.request(subjectOf(from), note, { timeout: left });
      const isOwed = readClaimed(answer.string());
      if (isOwed === undefined) link.notUnderstood("answer to a claim");
      return isOwed;
    } catch (error) {
      link.requestFailed(error);
      if (isNoResponders(error)) return undefined;
      // Cut off once more.
      await pause(clock, LOOK_MS);
    }
  }
  return undefined;
}
