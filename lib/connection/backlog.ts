/**
 * How much waits for the backend, over all clients.
 *
 * @module
 */

/** From this share of a bound on, what departed clients left behind is dropped. */
const PRESSED_SHARE = 0.5;

/** Counts the messages in all lanes, those under way included, and their size. */
export class Backlog {
  readonly #max: number;
  readonly #maxChars: number;
  #count = 0;
  #chars = 0;
  #onEmpty: (() => void)[] = [];

  /**
   * @param max Messages from which on new CALLs are refused.
   * @param maxChars The same for the length of their payloads together.
   */
  constructor(max: number, maxChars = Infinity) {
    this.#max = max;
    this.#maxChars = maxChars;
  }

  get count(): number {
    return this.#count;
  }

  /** Whether new CALLs must be refused. Outcomes of CALLs accepted earlier are not, ever. */
  get isFull(): boolean {
    return this.#count >= this.#max || this.#chars >= this.#maxChars;
  }

  /** Whether so much waits that nothing should be forwarded for clients that have gone. */
  get isPressed(): boolean {
    return this.#count >= this.#max * PRESSED_SHARE ||
      this.#chars >= this.#maxChars * PRESSED_SHARE;
  }

  /** A message enters a lane. */
  enter(payload: string): void {
    this.#count++;
    this.#chars += payload.length;
  }

  /** A message is done with. */
  leave(payload: string): void {
    this.#chars -= payload.length;
    if (--this.#count > 0) return;
    for (const callback of this.#onEmpty.splice(0)) callback();
  }

  /** Resolves when no lane holds anything. */
  whenEmpty(): Promise<void> {
    return this.#count === 0
      ? Promise.resolve()
      : new Promise((resolve) => this.#onEmpty.push(resolve));
  }
}
