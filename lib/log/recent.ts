/**
 * The last entries of a kind, of all threads of this process.
 *
 * @module
 */

/** Where a reader has come to: how many of each thread's it has seen. */
export type Cursor = readonly number[];

/** What is kept is JSON, and says when it was. */
export interface Entry {
  /** Milliseconds since 1970. */
  readonly at: number;
}

const SLOT_BYTES = 1024;
/** A slot begins with its entry's number and its length, four bytes each. */
const SLOT_HEAD_BYTES = 8;
/** A row begins with the number of its last entry. */
const ROW_HEAD_BYTES = 8;
/** In place of an entry's number while its slot is written. */
const WRITING = -1;
/** Values are cut to so many UTF-16 code units at first. */
const LONGEST = 300;

function rowBytes(slots: number): number {
  return ROW_HEAD_BYTES + slots * SLOT_BYTES;
}

/** The memory for so many entries of each of this many threads; to be handed to each. */
export function recentBuffer(slots: number, threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer(threads * rowBytes(slots));
}

/** Makes an entry of values of at most this length, without so many of those that may be left out. */
export type Make<T> = (longest: number, dropped: number) => T;

/**
 * One thread's last entries, among those of the others.
 *
 * Each row has one writer and no lock: a reader looks at an entry's number before and after it has
 * copied it, and leaves it out when it was written over in the meantime.
 *
 * @typeParam T What `note` is given, as JSON keeps it.
 */
export class Recent<T extends Entry> {
  readonly #slots: number;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #row: number;
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder();

  /**
   * @param slots How many are kept of each thread.
   * @param buffer From `recentBuffer`, for as many.
   * @param row This thread's, from 0; nobody else may write to it.
   */
  constructor(slots: number, buffer: SharedArrayBuffer, row: number) {
    this.#slots = slots;
    this.#words = new Int32Array(buffer);
    this.#bytes = new Uint8Array(buffer);
    this.#row = row;
  }

  /**
   * What has been noted since, as far as it is still there, the oldest first.
   *
   * @param cursor From the reading before; empty for the first.
   */
  since(cursor: Cursor): { entries: (T & { readonly thread: number })[]; cursor: Cursor } {
    const entries: (T & { readonly thread: number })[] = [];
    const next: number[] = [];
    const bytes = rowBytes(this.#slots);
    for (let row = 0; row * bytes < this.#bytes.length; row++) {
      const last = Atomics.load(this.#words, row * bytes / 4);
      const first = Math.max((cursor[row] ?? 0) + 1, last - this.#slots + 1);
      for (let number = first; number <= last; number++) {
        const entry = this.#read(row, number);
        if (entry !== undefined) entries.push(entry);
      }
      next.push(last);
    }
    return { entries: entries.sort((a, b) => a.at - b.at), cursor: next };
  }

  /**
   * Keeps an entry.
   *
   * @param make Makes it of values that are cut to this length, by `cutTo`, and without so many of what
   *   it can do without.
   */
  note(make: Make<T>): void {
    const head = this.#row * rowBytes(this.#slots) / 4;
    // A thread that was started again goes on with its row.
    const number = this.#words[head]! + 1;
    const at = this.#slotAt(this.#row, number);
    const text = this.#fitting(make);
    Atomics.store(this.#words, at / 4, WRITING);
    this.#words[at / 4 + 1] = text.length;
    this.#bytes.set(text, at + SLOT_HEAD_BYTES);
    Atomics.store(this.#words, at / 4, number);
    Atomics.store(this.#words, head, number);
  }

  #read(row: number, number: number): (T & { readonly thread: number }) | undefined {
    const at = this.#slotAt(row, number);
    if (Atomics.load(this.#words, at / 4) !== number) return undefined;
    const length = this.#words[at / 4 + 1]!;
    const copy = this.#bytes.slice(at + SLOT_HEAD_BYTES, at + SLOT_HEAD_BYTES + length);
    if (Atomics.load(this.#words, at / 4) !== number) return undefined;
    try {
      return { ...JSON.parse(this.#decoder.decode(copy)), thread: row };
    } catch {
      // Torn, though its number stood still.
      return undefined;
    }
  }

  /** As JSON that fits into a slot. */
  #fitting(make: Make<T>): Uint8Array {
    let dropped = 0;
    for (let longest = LONGEST;; longest = Math.ceil(longest / 2)) {
      const text = this.#encoder.encode(JSON.stringify(make(longest, dropped)));
      if (text.length <= SLOT_BYTES - SLOT_HEAD_BYTES) return text;
      if (longest === 1) dropped++;
    }
  }

  /** Where an entry stands. */
  #slotAt(row: number, number: number): number {
    return row * rowBytes(this.#slots) + ROW_HEAD_BYTES + (number % this.#slots) * SLOT_BYTES;
  }
}

/** A text, cut to so many UTF-16 code units. */
export function cutTo(longest: number, text: string): string {
  return text.length > longest ? `${text.slice(0, longest)}…`.toWellFormed() : text;
}
