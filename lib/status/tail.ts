/**
 * The frames of one client, wherever it is connected.
 *
 * @module
 */

import type { Clients } from "../cluster/clients.ts";

/** In place of a frame's number before the first reading of a connection. */
const FIRST = -1;

/** Follows a client by asking whoever holds it, again and again; also over to its next connection. */
export class Tail {
  readonly #clients: Pick<Clients, "ask">;
  readonly #clientId: string;
  readonly #withPayloads: boolean;
  #since = FIRST;
  /** Null while the client is not connected, undefined before anybody was asked. */
  #connectionId: string | null | undefined;

  constructor(clients: Pick<Clients, "ask">, clientId: string, withPayloads: boolean) {
    this.#clients = clients;
    this.#clientId = clientId;
    this.#withPayloads = withPayloads;
  }

  /**
   * Asks once and tells what is new: `connection` with its id, null when the client went; `frames`.
   *
   * @returns False when there will be nothing more: `refused` says why.
   */
  async tell(write: (event: string, data: unknown) => void): Promise<boolean> {
    const reply = await this.#clients.ask({
      kind: "tail",
      clientId: this.#clientId,
      since: this.#since,
      withPayloads: this.#withPayloads,
    });
    if (reply.kind === "frames") {
      const { connectionId, frames, next, isBroken } = reply;
      const isOther = connectionId !== this.#connectionId;
      this.#connectionId = connectionId;
      if (isOther) write("connection", { connectionId });
      // Its frames are numbered anew.
      const isMisread = isOther && this.#since !== FIRST;
      this.#since = isMisread ? FIRST : next;
      if (!isMisread && (frames.length > 0 || isBroken)) write("frames", { frames, isBroken });
      return true;
    }
    const reason = reply.kind === "refused" ? reply.reason : "lost";
    switch (reason) {
      case "gone":
        if (this.#connectionId !== null) write("connection", { connectionId: null });
        this.#connectionId = null;
        this.#since = FIRST;
        return true;
      case "unavailable":
      case "lost":
        return true;
      default:
        write("refused", { reason });
        return false;
    }
  }
}
