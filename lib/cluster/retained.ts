/**
 * What is known for a while after its end.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";

export interface RetainedOptions<V> {
  readonly clock: Clock;
  /** How long each is known. */
  readonly retentionMs: number;
  /** Called with each one that is not known any more. */
  readonly onDrop?: (name: string, value: V) => void;
}

interface Item<V> {
  readonly value: V;
  readonly bytes: number;
  readonly since: number;
}

/**
 * Owns what ended lately, by name, the oldest first; one timer for all of them.
 *
 * Always true: none is in it for longer than the retention; a timer waits while there is one.
 */
export class Retained<V> {
  readonly #options: RetainedOptions<V>;
  readonly #items = new Map<string, Item<V>>();
  /** Goes on where it stopped: one from the beginning would pass over all that was deleted there. */
  #ages = this.#items.entries();
  /** The oldest, if it is in there still. */
  #first: [name: string, item: Item<V>] | undefined;
  #bytes = 0;
  #timer: Timer | undefined;

  constructor(options: RetainedOptions<V>) {
    this.#options = options;
  }

  get size(): number {
    return this.#items.size;
  }

  /** What all of them hold. */
  get bytes(): number {
    return this.#bytes;
  }

  get(name: string): V | undefined {
    return this.#items.get(name)?.value;
  }

  /** Milliseconds until the oldest is forgotten; 0 when there is none. */
  get #nextMs(): number {
    const { retentionMs, clock } = this.#options;
    const [, oldest] = this.#oldest() ?? [];
    return oldest === undefined ? 0 : Math.max(0, oldest.since + retentionMs - clock.now());
  }

  #oldest(): [name: string, item: Item<V>] | undefined {
    while (this.size > 0) {
      if (this.#first !== undefined && this.#items.get(this.#first[0]) === this.#first[1]) {
        return this.#first;
      }
      const next = this.#ages.next();
      // One that has come to the end stays there.
      if (next.done === true) this.#ages = this.#items.entries();
      else this.#first = next.value;
    }
    this.#first = undefined;
    return undefined;
  }

  /** It ended just now. One of the same name must be deleted before. */
  put(name: string, value: V, bytes: number): void {
    this.#items.set(name, { value, bytes, since: this.#options.clock.now() });
    this.#bytes += bytes;
    this.#wait();
  }

  /** Forgets one, without a word. */
  delete(name: string): void {
    const item = this.#items.get(name);
    if (item === undefined) return;
    this.#items.delete(name);
    this.#bytes -= item.bytes;
  }

  /** Forgets the oldest. @returns False when there is none. */
  dropOldest(): boolean {
    const oldest = this.#oldest();
    if (oldest === undefined) return false;
    const [name, { value }] = oldest;
    this.delete(name);
    this.#options.onDrop?.(name, value);
    return true;
  }

  /** Forgets all. */
  close(): void {
    while (this.dropOldest());
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #wait(): void {
    this.#timer ??= this.#options.clock.setTimeout(() => {
      this.#timer = undefined;
      while (this.size > 0 && this.#nextMs === 0) this.dropOldest();
      if (this.size > 0) this.#wait();
    }, this.#nextMs);
  }
}

/** What a text takes in memory, in bytes: V8 has one byte for a character up to U+00FF, or two for each. */
export function bytesOf(text: string): number {
  // deno-lint-ignore no-control-regex
  return /^[\u0000-\u00ff]*$/.test(text) ? text.length : 2 * text.length;
}
