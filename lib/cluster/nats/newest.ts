/**
 * Which of two connections of one client stays, when two instances hold one each.
 *
 * @module
 */

import { timeOfId } from "../../ids.ts";
import type { Peer } from "../bus.ts";
import type { ClientNote, PeerNote } from "./note.ts";
import type { Presence } from "./presence.ts";

export interface NewestOptions {
  readonly local: Pick<Peer, "find" | "replaced">;
  readonly presence: Pick<Presence, "heardTime" | "madeId">;
  readonly tell: (peerId: string, note: PeerNote) => void;
}

/**
 * The greater `connectionId` stays: a total order that both sides know, so that they decide alike
 * whatever comes twice, late or crosswise. A connection is announced to whoever else holds the client;
 * who holds an older one closes it, who holds a newer one answers with that.
 *
 * That the greater one is the later one is the matter of the ids' time: it is told to all (`Presence`),
 * and each id that is heard of here counts as well. So a client that lost to a clock that nobody had
 * heard of wins when it comes back.
 */
export class Newest {
  readonly #options: NewestOptions;

  constructor(options: NewestOptions) {
    this.#options = options;
  }

  /** A client connected here; not announced yet. */
  attached(connectionId: string): void {
    const time = timeOfId(connectionId);
    if (time !== undefined) this.#options.presence.madeId(time);
  }

  /** Another instance announces a connection of it. */
  announced(clientId: string, { peerId, connectionId }: ClientNote & { kind: "attached" }): void {
    const { local, tell } = this.#options;
    this.#heard(peerId, connectionId);
    const client = local.find(clientId);
    if (client === undefined) return;
    if (client.connectionId > connectionId) {
      tell(peerId, { kind: "attached", clientId, connectionId: client.connectionId });
    } else local.replaced(clientId, connectionId);
  }

  /** Another instance answers an announcement with a newer one. */
  answered({ clientId, connectionId }: PeerNote & { kind: "attached" }): void {
    this.#heard(null, connectionId);
    this.#options.local.replaced(clientId, connectionId);
  }

  #heard(peerId: string | null, connectionId: string): void {
    const time = timeOfId(connectionId);
    if (time !== undefined) this.#options.presence.heardTime(peerId, time);
  }
}
