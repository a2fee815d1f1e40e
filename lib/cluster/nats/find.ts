/**
 * The search for the instance that holds a client.
 *
 * @module
 */

import { type Clock, pause } from "../../clock.ts";
import { FIND_AGAIN_MS, FIND_MS } from "../times.ts";
import { isNoResponders } from "../../nats/fault.ts";
import type { BusLink } from "./bus_link.ts";
import type { ClientNote, Holder } from "./note.ts";
import type { Peers } from "./peers.ts";
import { readHolder } from "./read_answer.ts";

export interface FindDeps {
  readonly link: Pick<BusLink, "connection" | "isUp" | "notUnderstood" | "requestFailed">;
  readonly peers: Pick<Peers, "areThere">;
  readonly clock: Clock;
}

const QUESTION = JSON.stringify({ kind: "find" } satisfies ClientNote);

/**
 * Asks for whoever holds a client, twice when nobody says so. Never rejects.
 *
 * @param clientId The client, and `subject` its subject.
 * @returns `gone` when nobody holds it, `unavailable` when that cannot be said.
 */
export async function findHolder(
  clientId: string,
  subject: string,
  { link, peers, clock }: FindDeps,
): Promise<Holder | "gone" | "unavailable"> {
  let isNobody = false;
  for (let attempt = 0; attempt < 2; attempt++) {
    if (link.connection === null || !link.isUp) return "unavailable";
    if (attempt > 0) await pause(clock, FIND_AGAIN_MS);
    try {
      const answer = await link.connection.request(subject, QUESTION, { timeout: FIND_MS });
      const holder = readHolder(answer.string(), clientId);
      if (holder === undefined) link.notUnderstood("answer of a client's holder");
      else if (holder !== null) return holder;
      isNobody = holder === null;
    } catch (error) {
      link.requestFailed(error);
      isNobody = isNoResponders(error);
    }
  }
  // An instance that is cut off holds its clients still.
  return isNobody && await peers.areThere() && link.isUp ? "gone" : "unavailable";
}
