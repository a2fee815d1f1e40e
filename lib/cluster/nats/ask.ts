/**
 * A request to the instance that holds a client.
 *
 * @module
 */

import { type ClientReply, type ClientRequest, refused } from "../bus.ts";
import { replyMs } from "../times.ts";
import type { Debts } from "./debts.ts";
import type { Ledger } from "./ledger.ts";
import { isNoResponders } from "../../nats/fault.ts";
import type { BusLink } from "./bus_link.ts";
import type { Holder, PeerNote } from "./note.ts";
import type { Peers } from "./peers.ts";
import { readAnswer } from "./read_answer.ts";

export interface AskDeps {
  /** This instance. */
  readonly peerId: string;
  /** The subject of another one. */
  readonly subjectOf: (peerId: string) => string;
  readonly link: Pick<BusLink, "connection" | "fits" | "notUnderstood" | "requestFailed">;
  readonly peers: Pick<Peers, "heard">;
  readonly ledger: Ledger;
  readonly debts: Pick<Debts, "watch" | "remind">;
}

/**
 * Asks the holder of a client. A CALL whose outcome goes to the backend stands in the ledger before it
 * is sent, and stays there when it was accepted. Never rejects.
 */
export async function askHolder(
  { peerId, client }: Holder,
  request: ClientRequest,
  { peerId: from, subjectOf, link, peers, ledger, debts }: AskDeps,
): Promise<ClientReply> {
  const { connection } = link;
  if (connection === null) return refused("unavailable");
  const number = request.kind === "call" && request.waitSeconds === null
    ? ledger.enter(peerId, client, {
      action: request.action,
      messageId: request.messageId,
      trace: request.trace,
      id: request.id,
    })
    : null;
  const text = JSON.stringify({ kind: "ask", from, number, request } satisfies PeerNote);
  let reply: ClientReply;
  if (!link.fits(text)) {
    reply = refused("too_large");
  } else {
    try {
      const message = await connection.request(subjectOf(peerId), text, {
        timeout: replyMs(request),
      });
      const answer = readAnswer(message.string(), request.kind);
      if (answer === undefined) link.notUnderstood("answer of an instance");
      else peers.heard(peerId);
      reply = answer === undefined ? refused("lost") : answer.reply ?? refused("unavailable");
      if (number !== null && answer !== undefined && reply.kind === "accepted") {
        ledger.accepted(number, answer.epoch);
        debts.watch();
        return reply;
      }
    } catch (error) {
      link.requestFailed(error);
      // Without anybody there the client has gone with its instance.
      reply = refused(isNoResponders(error) ? "gone" : "lost");
    }
  }
  if (number !== null) {
    ledger.ended(number);
    // It may have taken the CALL all the same.
    if (reply.kind === "refused" && reply.reason === "lost") debts.remind(peerId);
  }
  return reply;
}
