/**
 * Whether NATS answers.
 *
 * @module
 */

import { type Clock, within } from "../../clock.ts";
import { WATCH_MS } from "../times.ts";
import type { BusLink } from "./bus_link.ts";

/**
 * Asks NATS itself, since a connection that is cut without a word looks like one that is silent.
 *
 * Owns the time of the last question that NATS answered: the answer may come later than that, never
 * sooner.
 */
export class Proof {
  readonly #clock: Clock;
  readonly #link: Pick<BusLink, "connection" | "isUp">;
  readonly #roundTrip: { own: number };
  #at = 0;

  constructor(
    clock: Clock,
    link: Pick<BusLink, "connection" | "isUp">,
    roundTrip: { own: number },
  ) {
    this.#roundTrip = roundTrip;
    this.#clock = clock;
    this.#link = link;
  }

  /** When NATS was asked something that it answered. */
  get at(): number {
    return this.#at;
  }

  /** Something came over NATS just now, and before it nobody had reason to ask. */
  assume(): void {
    this.#at = this.#clock.now();
  }

  /** Asks. Resolves in bounded time, whatever comes of it. */
  async ask(): Promise<void> {
    const askedAt = this.#clock.now();
    const { connection, isUp } = this.#link;
    if (connection === null || !isUp) return;
    let isProven = false;
    const flushing = async (): Promise<void> => {
      try {
        await connection.flush();
        isProven = true;
        this.#roundTrip.own = (this.#clock.now() - askedAt) / 1000;
      } catch {
        // It is cut off, or being closed.
      }
    };
    const answered = flushing();
    await within(this.#clock, answered, WATCH_MS);
    if (isProven) this.#at = askedAt;
  }
}
