/**
 * Telling others to forget what the backend said of a client.
 *
 * @module
 */

import type { Peer } from "../bus.ts";
import type { BusLink } from "./bus_link.ts";
import { allSubject } from "./subject.ts";

/**
 * Owns whether something was to be forgotten of which it is not certain that all others were told: then
 * they are to forget all at the next connect, for what was sent before the connection broke may not have
 * left. What others said while this instance could not hear it is made up for in the same way, here.
 */
export class Forgetting {
  readonly #prefix: string;
  readonly #link: Pick<BusLink, "publish">;
  readonly #local: Pick<Peer, "forget">;
  /** Since the last connect. */
  #hasTold = false;

  constructor(
    prefix: string,
    link: Pick<BusLink, "publish">,
    local: Pick<Peer, "forget">,
  ) {
    this.#prefix = prefix;
    this.#link = link;
    this.#local = local;
  }

  /** Has the others forget one client. */
  tell(clientId: string): void {
    this.#hasTold = true;
    this.#publish(clientId);
  }

  /** NATS can be reached, for the first time or again. */
  connected(): void {
    this.missed();
    if (this.#hasTold) this.#publish(null);
    this.#hasTold = false;
  }

  /** What another one said may not have been heard here. */
  missed(): void {
    this.#local.forget(null);
  }

  #publish(clientId: string | null): void {
    this.#link.publish(allSubject(this.#prefix), { kind: "forget", clientId });
  }
}
