/**
 * The search for the instance that holds a client.
 *
 * @module
 */

import { type Clock, pause } from "../../clock.ts";
import { FIND_AGAIN_MS, FIND_MS } from "../times.ts";
import { isNoResponders, type Link } from "./link.ts";
import type { ClientNote, Holder } from "./note.ts";
import type { Peers } from "./peers.ts";

export interface FindDeps {
  readonly link: Pick<Link, "connection" | "isUp">;
  readonly peers: Pick<Peers, "areBack">;
  readonly clock: Clock;
}

const QUESTION = JSON.stringify({ kind: "find" } satisfies ClientNote);

/**
 * Asks for whoever holds a client, twice when nobody says so. Never rejects.
 *
 * @param subject The client's.
 * @returns `gone` when nobody holds it, `unavailable` when that cannot be said.
 */
export async function findHolder(
  subject: string,
  { link, peers, clock }: FindDeps,
): Promise<Holder | "gone" | "unavailable"> {
  let isNobody = false;
  for (let attempt = 0; attempt < 2; attempt++) {
    if (link.connection === null || !link.isUp) return "unavailable";
    if (attempt > 0) await pause(clock, FIND_AGAIN_MS);
    try {
      const answer = await link.connection.request(subject, QUESTION, { timeout: FIND_MS });
      const holder: Holder | null = answer.json();
      if (holder !== null) return holder;
      isNobody = true;
    } catch (error) {
      isNobody = isNoResponders(error);
    }
  }
  return isNobody && peers.areBack ? "gone" : "unavailable";
}
