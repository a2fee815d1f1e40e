/**
 * Which of two connections of one client stays: the one that came later, on whatever instance.
 *
 * A connection is replaced only when the client has one that was accepted later. What is later is told over
 * NATS, so that two of about the same time may go either way, and so may those of instances that could not
 * hear each other. By how much the wall clocks differ is no excuse.
 *
 * @module
 */

import type { Past } from "./past.ts";
import type { Timeline } from "./timeline.ts";

/** A connection, and how the rule knows it. */
interface Known {
  readonly clientId: string;
  readonly instance: string;
  readonly arrivedAt: number;
  acceptedAt: number;
}

/** What word of another instance's time takes at most, of one that has just begun as well. */
const WORD_MS = 5000;

export class NewestBook {
  readonly #timeline: Timeline;
  readonly #past: Past;
  readonly #fault: (text: string) => void;
  readonly #lines = new Map<number, Known>();
  /** Connections that were replaced. */
  count = 0;

  constructor(timeline: Timeline, past: Past, fault: (text: string) => void) {
    this.#timeline = timeline;
    this.#past = past;
    this.#fault = fault;
  }

  /** The request of a line comes to an instance. */
  arrives(line: number, clientId: string, instance: string): void {
    const arrivedAt = this.#timeline.now;
    this.#lines.set(line, { clientId, instance, arrivedAt, acceptedAt: Infinity });
  }

  accepted(line: number): void {
    const known = this.#lines.get(line);
    if (known !== undefined) known.acceptedAt = this.#timeline.now;
  }

  /** An instance closes a line because the client has a newer one. */
  replaced(line: number): void {
    this.count++;
    const replaced = this.#lines.get(line);
    if (replaced === undefined) return this.#fault(`line ${line} is replaced, and never came`);
    const { clientId, instance, arrivedAt } = replaced;
    const others = [...this.#lines].filter(([number, other]) =>
      number !== line && other.clientId === clientId && other.acceptedAt < Infinity
    );
    if (others.some(([, { acceptedAt }]) => acceptedAt >= arrivedAt - WORD_MS)) return;
    if (this.#past.wasTroubled(arrivedAt - WORD_MS, this.#timeline.now)) return;
    if (arrivedAt - this.#past.beganAt(instance) < WORD_MS) return;
    this.#fault(`line ${line} of ${clientId} is replaced by ${instance}, and is the last one`);
  }
}
