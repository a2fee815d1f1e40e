/**
 * What another instance asks for a client of this one.
 *
 * @module
 */

import type { Msg } from "@nats-io/transport-node";
import type { Log } from "../../log/log.ts";
import { type ClientReply, type Peer, refused } from "../bus.ts";
import type { Debts } from "./debts.ts";
import type { Errands } from "./errands.ts";
import type { BusLink } from "./bus_link.ts";
import type { Answer, PeerNote } from "./note.ts";

export interface ServeDeps {
  readonly local: Pick<Peer, "serve">;
  readonly errands: Errands;
  readonly debts: Pick<Debts, "watch">;
  readonly link: Pick<BusLink, "fits">;
  readonly log: Log;
}

/** Serves it, and answers. */
export async function serveAsked(
  message: Msg,
  { from, number, request }: PeerNote & { readonly kind: "ask" },
  { local, errands, debts, link, log }: ServeDeps,
): Promise<void> {
  const errand = number === null ? undefined : errands.take(from, number);
  if (errand !== undefined) debts.watch();
  const { epoch } = errands;
  let reply: ClientReply;
  try {
    reply = await local.serve(request, errand);
  } catch (error) {
    // A fault of ours: the other instance need not wait for nothing.
    log.error("a request of another instance failed", { error: String(error) });
    reply = refused("lost");
  }
  if (number !== null && reply.kind !== "accepted") errands.drop(from, number);
  const text = JSON.stringify({ epoch, reply } satisfies Answer);
  message.respond(link.fits(text) ? text : JSON.stringify({ epoch, reply: NO_WAY_BACK }));
}

/** The client did answer; only its answer has no way back. */
const NO_WAY_BACK: ClientReply = {
  kind: "outcome",
  outcome: {
    kind: "gone",
    wasSent: true,
    reason: "the client's answer is larger than NATS takes",
  },
};
