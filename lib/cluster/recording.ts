/**
 * What was recorded of one client, as lines of JSON.
 *
 * @module
 */

import { bytesOf } from "./retained.ts";

/** A recording without its lines. Times are milliseconds since 1970. */
export interface RecordingInfo {
  /** A UUIDv7. */
  readonly id: string;
  readonly clientId: string;
  readonly startedAt: number;
  /** When it ends by itself. */
  readonly endsAt: number;
  /** Null while it goes on. */
  readonly endedAt: number | null;
  /** Lines that are kept, and what they hold in memory. */
  readonly lines: number;
  readonly bytes: number;
  /** Lines at its beginning that had to make room for later ones. */
  readonly dropped: number;
}

/** A part of a recording. */
export interface RecordingPart {
  readonly info: RecordingInfo;
  /** JSON objects, in the order of time. */
  readonly lines: readonly string[];
  /** To go on from; null when these were the last ones. */
  readonly next: number | null;
}

/** What a line holds beside its text, about. */
const LINE_BYTES = 64;
/** One part, in UTF-16 code units: it has to be within what NATS takes. */
const MAX_PART_CHARS = 128 * 1024;

/** The newest lines, in a bounded place. */
export class Lines {
  readonly #maxBytes: number;
  /** By their numbers, from 1. */
  readonly #lines = new Map<number, { readonly text: string; readonly bytes: number }>();
  #last = 0;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get count(): number {
    return this.#lines.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get dropped(): number {
    return this.#last - this.#lines.size;
  }

  add(text: string): void {
    const bytes = bytesOf(text) + LINE_BYTES;
    this.#lines.set(++this.#last, { text, bytes });
    this.#bytes += bytes;
    for (const [number, oldest] of this.#lines) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#lines.delete(number);
      this.#bytes -= oldest.bytes;
    }
  }

  /** Those behind one; as many as one part takes, and at least one if there is any. */
  after(number: number): { lines: string[]; next: number | null } {
    const lines: string[] = [];
    let chars = 0;
    for (let n = Math.max(number, this.dropped) + 1; n <= this.#last; n++) {
      const { text } = this.#lines.get(n)!;
      chars += text.length;
      if (chars > MAX_PART_CHARS && lines.length > 0) return { lines, next: n - 1 };
      lines.push(text);
    }
    return { lines, next: null };
  }
}
