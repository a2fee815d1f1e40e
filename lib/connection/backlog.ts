/**
 * How much waits for the backend, over all clients.
 *
 * @module
 */

/** Counts the messages in all lanes, those under way included. */
export class Backlog {
  readonly #max: number;
  #count = 0;
  #onEmpty: (() => void)[] = [];

  /** @param max From here on new CALLs are refused. */
  constructor(max: number) {
    this.#max = max;
  }

  get count(): number {
    return this.#count;
  }

  /** Whether new CALLs must be refused. Outcomes of CALLs accepted earlier are not, ever. */
  get isFull(): boolean {
    return this.#count >= this.#max;
  }

  /** A message enters a lane. */
  enter(): void {
    this.#count++;
  }

  /** A message is done with. */
  leave(): void {
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
