/**
 * How much waits for the backend, over all clients.
 *
 * @module
 */

/** A number that threads count together. */
export interface Gauge {
  /** This thread's part. */
  readonly own: number;
  /** All threads' parts. */
  readonly sum: number;
  add(amount: number): void;
}

/** From this share of a bound on, what departed clients left behind is dropped. */
const PRESSED_SHARE = 0.5;

/** Below this share of a bound on, clients that were held back for want of room go on. */
const ROOM_SHARE = 7 / 8;

/** Where it is counted. */
export interface BacklogGauges {
  /** Messages, … */
  readonly count: Gauge;
  /** … and the length of their payloads together. */
  readonly chars: Gauge;
}

/**
 * Counts the CALLs and SENDs in all lanes, those under way included, and their size. The bounds are on
 * what waits in all threads together.
 *
 * Each message enters once and leaves once, with the same payload: all numbers are 0 when nothing
 * waits.
 */
export class Backlog {
  readonly #max: number;
  readonly #maxChars: number;
  readonly #count: Gauge;
  readonly #chars: Gauge;
  #onEmpty: (() => void)[] = [];

  /**
   * @param max Messages from which on new CALLs are refused.
   * @param maxChars The same for the length of their payloads together.
   * @param gauges Where both are counted.
   */
  constructor(max: number, maxChars: number, { count, chars }: BacklogGauges) {
    this.#max = max;
    this.#maxChars = maxChars;
    this.#count = count;
    this.#chars = chars;
  }

  /** Messages of this thread. */
  get count(): number {
    return this.#count.own;
  }

  /** Whether new CALLs must be refused. */
  get isFull(): boolean {
    return this.#count.sum >= this.#max || this.#chars.sum >= this.#maxChars;
  }

  /**
   * Whether so much waits that nothing should be forwarded for clients that have gone, and that no client
   * may have many more waiting.
   */
  get isPressed(): boolean {
    return this.#count.sum >= this.#max * PRESSED_SHARE ||
      this.#chars.sum >= this.#maxChars * PRESSED_SHARE;
  }

  /** Whether clients that were held back for want of room may go on. */
  get hasRoom(): boolean {
    return this.#count.sum < this.#max * ROOM_SHARE &&
      this.#chars.sum < this.#maxChars * ROOM_SHARE;
  }

  /** A message enters a lane. */
  enter(payload: string): void {
    this.#count.add(1);
    this.#chars.add(payload.length);
  }

  /** A message is done with. */
  leave(payload: string): void {
    this.#chars.add(-payload.length);
    this.#count.add(-1);
    if (this.count > 0) return;
    for (const callback of this.#onEmpty.splice(0)) callback();
  }

  /** Resolves when no lane holds anything. */
  whenEmpty(): Promise<void> {
    return this.count === 0
      ? Promise.resolve()
      : new Promise((resolve) => this.#onEmpty.push(resolve));
  }
}
