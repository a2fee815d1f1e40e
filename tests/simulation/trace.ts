/**
 * What happened, for people and for comparing two runs.
 *
 * @module
 */

import type { Timeline } from "./timeline.ts";

/** Lines that are kept: the last ones are what led to a fault. */
const KEPT = 400;

/** Takes note of all that happens; keeps the last of it, and a hash over everything. */
export class Trace {
  readonly #timeline: Timeline;
  readonly #print: ((line: string) => void) | undefined;
  readonly #lines: string[] = [];
  #hash = 0x811c9dc5;
  #count = 0;

  /** @param print Gets each line at once; without it nobody does. */
  constructor(timeline: Timeline, print?: (line: string) => void) {
    this.#timeline = timeline;
    this.#print = print;
  }

  note(event: string): void {
    const now = this.#timeline.now;
    let hash = this.#hash ^ Math.imul(now * 1024, 0x9e3779b1);
    for (let i = 0; i < event.length; i++) {
      hash = Math.imul(hash ^ event.charCodeAt(i), 0x01000193);
    }
    this.#hash = hash >>> 0;
    const line = `${(now / 1000).toFixed(4).padStart(9)}  ${event}`;
    this.#lines[this.#count++ % KEPT] = line;
    this.#print?.(line);
  }

  /** Events so far. */
  get count(): number {
    return this.#count;
  }

  /** The same for two runs in which the same happened at the same times. */
  get hash(): string {
    return this.#hash.toString(16).padStart(8, "0");
  }

  /** The last events, oldest first. */
  last(limit: number): string[] {
    const lines = this.#count <= KEPT ? this.#lines : [
      ...this.#lines.slice(this.#count % KEPT),
      ...this.#lines.slice(0, this.#count % KEPT),
    ];
    return lines.slice(-limit);
  }
}
