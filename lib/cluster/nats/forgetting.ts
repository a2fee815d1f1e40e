/**
 * Telling others to forget what the backend said of a client.
 *
 * @module
 */

import type { Peer } from "../bus.ts";
import type { Link } from "./link.ts";
import { allSubject } from "./subject.ts";

/**
 * Owns whether something was to be forgotten that the others could not be told: then they are to forget
 * all at the next connect. What others said while this instance could not hear it is made up for in the
 * same way, here.
 */
export class Forgetting {
  readonly #prefix: string;
  readonly #link: Pick<Link, "isUp" | "publish">;
  readonly #local: Pick<Peer, "forget">;
  #isOwed = false;

  constructor(
    prefix: string,
    link: Pick<Link, "isUp" | "publish">,
    local: Pick<Peer, "forget">,
  ) {
    this.#prefix = prefix;
    this.#link = link;
    this.#local = local;
  }

  /** Has the others forget one client. */
  tell(clientId: string): void {
    if (this.#link.isUp) this.#publish(clientId);
    else this.#isOwed = true;
  }

  /** NATS can be reached, for the first time or again. */
  connected(): void {
    this.missed();
    if (this.#isOwed) this.#publish(null);
    this.#isOwed = false;
  }

  /** What another one said may not have been heard here. */
  missed(): void {
    this.#local.forget(null);
  }

  #publish(clientId: string | null): void {
    this.#link.publish(allSubject(this.#prefix), { kind: "forget", clientId });
  }
}
