/**
 * An attack by somebody who may speak on NATS.
 *
 * @module
 */

import type { PeerNote } from "../../lib/cluster/nats/note.ts";
import { allSubject, peerSubject } from "../../lib/cluster/nats/subject.ts";
import type { Attack } from "./attack.ts";

const PREFIX = "ws2api";
const OWN_ID = "attacker";
const EVERY_MS = 1000;
const REPLY_MS = 3000;

/** Half of a pair: not Unicode, and no name. */
const LONE_SURROGATE = "Reset\ud800";

/**
 * Finds the instance by a `hello`, and asks it, as another instance would, for CALLs to a client: the
 * first one is in order, which shows that the instance understands; the others have an Action that is
 * not Unicode.
 */
export function natsNotes(natsPort: number, clientId: string): Attack {
  let isUnderstood = false;
  let sent = 0;
  let answered = 0;

  async function speak(): Promise<never> {
    const { connect } = await import("@nats-io/transport-node");
    const nats = await connect({ servers: `127.0.0.1:${natsPort}`, maxReconnectAttempts: 0 });
    const found = Promise.withResolvers<string>();
    nats.subscribe(peerSubject(PREFIX, OWN_ID), {
      callback: (_error, message) => {
        const note: PeerNote = message.json();
        if (note.kind === "alive") found.resolve(note.peerId);
      },
    });
    nats.publish(allSubject(PREFIX), JSON.stringify({ kind: "hello", peerId: OWN_ID }));
    const peer = peerSubject(PREFIX, await found.promise);

    async function ask(number: number, action: string): Promise<boolean> {
      const messageId = `note${number}`;
      const request = { kind: "call", clientId, action, messageId, payload: "{}" } as const;
      const note: PeerNote = {
        ...{ kind: "ask", from: OWN_ID, number },
        request: { ...request, waitSeconds: null },
      };
      try {
        await nats.request(peer, JSON.stringify(note), { timeout: REPLY_MS });
        return true;
      } catch {
        return false;
      }
    }

    isUnderstood = await ask(1, "Reset");
    while (true) {
      if (await ask(++sent + 1, LONE_SURROGATE)) answered++;
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }

  return {
    begin: () => void speak(),
    notes: () => [
      isUnderstood ? "a note in order was answered" : "a note in order was not answered",
      `${answered} of ${sent} others were`,
    ],
  };
}
