/**
 * A look at the frames of one connection, for as long as somebody looks.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Clock, Timer } from "../clock.ts";
import { type FrameSummary, summaryOf } from "../codec/summary.ts";

/** Which frame passes, and when. */
export interface Passing {
  /** Counts the frames of a connection, both directions together, from 1. */
  readonly number: number;
  readonly direction: "in" | "out";
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** A frame as it passed. */
export interface TappedFrame extends Passing, FrameSummary {
  /** UTF-16 code units of the whole frame. */
  readonly size: number;
  /** The frame, perhaps only its beginning; null when it was not asked for. */
  readonly text: string | null;
}

/** What passed since somebody looked the last time. */
export interface TapReading {
  readonly frames: readonly TappedFrame[];
  /** To go on from: the number of the last frame that has been told. */
  readonly next: number;
  /** Whether there were others in between, which are not kept any more. */
  readonly isBroken: boolean;
}

/** Frames that are kept, and what their texts may come to. */
const MAX_FRAMES = 200;
const MAX_CHARS = 256 * 1024;
/** The longest text kept of one frame. */
const MAX_FRAME_CHARS = 4096;
/** One reading: NATS takes messages of 1 MB, and JSON may need six bytes for a character. */
const MAX_READING_CHARS = 64 * 1024;

interface Kept extends Passing {
  readonly size: number;
  readonly text: string;
}

/** The last frames of a connection since it was made, in a bounded place. */
export class Tap {
  readonly #kept: Kept[] = [];
  #chars = 0;
  /** Frames up to this number are not kept. */
  #gone: number;

  /** @param passed How many frames have passed already. */
  constructor(passed: number) {
    this.#gone = passed;
  }

  /** A frame passes. */
  note({ number, direction, at }: Passing, text: string): void {
    const kept = beginningOf(text);
    this.#kept.push({ number, direction, at, size: text.length, text: kept });
    this.#chars += kept.length;
    while (this.#kept.length > MAX_FRAMES || this.#chars > MAX_CHARS) {
      const oldest = this.#kept.shift()!;
      this.#chars -= oldest.text.length;
      this.#gone = oldest.number;
    }
  }

  /**
   * What passed after a frame.
   *
   * @param since `next` of the reading before; -1 for the first.
   * @param withPayloads Whether the texts are told as well.
   */
  read(since: number, withPayloads: boolean): TapReading {
    const frames: TappedFrame[] = [];
    let chars = 0;
    let next = Math.max(since, this.#gone);
    for (const { text, ...frame } of this.#kept) {
      if (frame.number <= since) continue;
      if (withPayloads) chars += text.length;
      if (chars > MAX_READING_CHARS) break;
      frames.push({ ...frame, ...summaryOf(text), text: withPayloads ? text : null });
      next = frame.number;
    }
    return { frames, next, isBroken: since >= 0 && since < this.#gone };
  }
}

/** A copy: a slice would keep the whole text alive. */
function beginningOf(text: string): string {
  if (text.length <= MAX_FRAME_CHARS) return text;
  return Buffer.from(text.slice(0, MAX_FRAME_CHARS), "utf16le").toString("utf16le");
}

/** The part of a connection that is looked at. */
export interface Tapped {
  readonly framesIn: number;
  readonly framesOut: number;
  /** Null while nobody looks. */
  tap: Tap | null;
}

/** Connections that are looked at in one gateway at the same time. */
const MAX_TAPS = 32;
/** A tap that is not read for so long is taken away. */
const UNREAD_MS = 10_000;

/**
 * Puts taps on connections, and takes them away when nobody reads them any more. Each tap has one timer;
 * there are no more than `MAX_TAPS`.
 */
export class Taps {
  readonly #clock: Clock;
  readonly #timers = new Map<Tapped, Timer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Reads a connection's tap; the first reading puts it there.
   *
   * @returns Undefined when too many others are looked at.
   */
  read(connection: Tapped, since: number, withPayloads: boolean): TapReading | undefined {
    const timer = this.#timers.get(connection);
    if (timer === undefined && this.#timers.size >= MAX_TAPS) return undefined;
    if (timer !== undefined) this.#clock.clearTimeout(timer);
    connection.tap ??= new Tap(connection.framesIn + connection.framesOut);
    this.#timers.set(connection, this.#clock.setTimeout(() => this.#remove(connection), UNREAD_MS));
    return connection.tap.read(since, withPayloads);
  }

  /** Takes all away. */
  close(): void {
    for (const connection of [...this.#timers.keys()]) this.#remove(connection);
  }

  #remove(connection: Tapped): void {
    this.#clock.clearTimeout(this.#timers.get(connection)!);
    this.#timers.delete(connection);
    connection.tap = null;
  }
}
