/**
 * Who is due: a wheel that turns once in a period, with a slot for each millisecond.
 *
 * @module
 */

/** So many slots are looked at for the next one that is due. */
const LOOK_AHEAD = 50;

/**
 * Clients that are all due once in the same period.
 *
 * A client stays in its slot for ever, so that nothing is sorted, moved or made for a message.
 */
export class Wheel {
  readonly #periodMs: number;
  /** The first client of each slot, and the next one behind each client; -1 is none. */
  readonly #first: Int32Array;
  readonly #next: Int32Array;
  readonly #startAt: number;
  /** Milliseconds since the start that are done, and who is next in the one that is not. */
  #done = 0;
  #at = -1;

  /** @param periodMs A whole number. */
  constructor(clients: number, periodMs: number, now: number) {
    this.#periodMs = periodMs;
    this.#first = new Int32Array(periodMs).fill(-1);
    this.#next = new Int32Array(clients);
    this.#startAt = now;
  }

  /**
   * Puts a client into a slot at random.
   *
   * @returns When it is due first; from then on each period.
   */
  enter(client: number): number {
    // Never the slot that is being emptied.
    const dueMs = this.#done + 1 + Math.floor(Math.random() * (this.#periodMs - 1));
    const slot = dueMs % this.#periodMs;
    this.#next[client] = this.#first[slot]!;
    this.#first[slot] = client;
    return this.#startAt + dueMs;
  }

  /** The next client that is due; -1 when all are served. */
  next(now: number): number {
    while (this.#at === -1) {
      if (this.#startAt + this.#done + 1 > now) return -1;
      this.#done++;
      this.#at = this.#first[this.#done % this.#periodMs]!;
    }
    const client = this.#at;
    this.#at = this.#next[client]!;
    return client;
  }

  /** When to ask again, once `next` has given -1. */
  nextAt(): number {
    let ms = this.#done + 1;
    const end = ms + LOOK_AHEAD;
    while (ms < end && this.#first[ms % this.#periodMs] === -1) ms++;
    return this.#startAt + ms;
  }
}
