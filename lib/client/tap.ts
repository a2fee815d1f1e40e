/**
 * What passes on the connections of one client, for as long as somebody looks.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { type FrameSummary, summaryOf } from "../codec/summary.ts";
import type { Identity } from "../identity.ts";
import type { Ending } from "./ending.ts";
import type { ConnectedRow, DisconnectedRow, FrameRow, Passing, TapRow } from "./tap_row.ts";

/** What came since somebody looked the last time. */
export interface TapReading {
  readonly rows: readonly TapRow[];
  /** To go on from: names the last row that has been told. */
  readonly next: number;
  /** Whether there were others in between, which are not kept any more. */
  readonly isBroken: boolean;
}

/** Rows that are kept, and what their texts may come to. */
const MAX_ROWS = 200;
const MAX_CHARS = 256 * 1024;
/** The longest text kept of one frame. */
const MAX_FRAME_CHARS = 4096;
/** One reading: NATS takes messages of 1 MB, and JSON may need six bytes for a character. */
const MAX_READING_CHARS = 64 * 1024;

interface Kept {
  readonly place: number;
  /** A frame's is read when somebody asks for it. */
  readonly row: Omit<FrameRow, keyof FrameSummary> | ConnectedRow | DisconnectedRow;
  readonly text: string;
}

/** A connection that is looked at. */
export interface Tapped extends Identity {
  /** Null while nobody looks. */
  tap: Tap | null;
}

/**
 * The last rows of a client's connections to this thread, in a bounded place.
 *
 * Always true: each connection that has this tap is known here, so that it can be taken away from all.
 */
export class Tap {
  readonly #nextPlace: () => number;
  readonly #kept: Kept[] = [];
  readonly #connections = new Set<Tapped>();
  #chars = 0;
  /** Rows up to this place are not kept. */
  #gone: number;

  /** @param nextPlace Numbers rows, ascending; those of a tap that is made later come later. */
  constructor(nextPlace: () => number) {
    this.#nextPlace = nextPlace;
    this.#gone = nextPlace();
  }

  /** The newest connection that is open; null without one. */
  get connectionId(): string | null {
    let newest: string | null = null;
    for (const { connectionId } of this.#connections) {
      if (newest === null || connectionId > newest) newest = connectionId;
    }
    return newest;
  }

  /** A connection that has been open for a while. */
  join(connection: Tapped): void {
    this.#connections.add(connection);
    connection.tap = this;
  }

  /** A connection begins. */
  begin(connection: Tapped): void {
    this.join(connection);
    const { connectionId, connectedAt: at, protocol, remoteAddress } = connection;
    this.#keep({ kind: "connected", connectionId, at, protocol, remoteAddress }, "");
  }

  /** One that is known here has ended. @param at Milliseconds since 1970. */
  end(connection: Tapped, { cause, code, reason }: Ending, at: number): void {
    if (!this.#connections.delete(connection)) return;
    connection.tap = null;
    const { connectionId } = connection;
    this.#keep({ kind: "disconnected", connectionId, at, cause, code, reason }, "");
  }

  /** A frame passes. */
  note({ connectionId }: Pick<Tapped, "connectionId">, passing: Passing, text: string): void {
    const row = { kind: "frame", connectionId, ...passing, size: text.length, text: null } as const;
    this.#keep(row, beginningOf(text));
  }

  /** Takes it away from all connections. */
  remove(): void {
    for (const connection of this.#connections) connection.tap = null;
    this.#connections.clear();
  }

  /**
   * What came after a row.
   *
   * @param since `next` of the reading before; -1 for the first.
   * @param withPayloads Whether the texts are told as well.
   */
  read(since: number, withPayloads: boolean): TapReading {
    const rows: TapRow[] = [];
    let chars = 0;
    let next = Math.max(since, this.#gone);
    for (const { place, row, text } of this.#kept) {
      if (place <= since) continue;
      const told = row.kind === "frame"
        ? { ...row, ...summaryOf(text), text: withPayloads ? text : null }
        : row;
      chars += charsOf(told);
      if (chars > MAX_READING_CHARS && rows.length > 0) break;
      rows.push(told);
      next = place;
    }
    return { rows, next, isBroken: since >= 0 && since < this.#gone };
  }

  #keep(row: Kept["row"], text: string): void {
    this.#kept.push({ place: this.#nextPlace(), row, text });
    this.#chars += text.length;
    while (this.#kept.length > MAX_ROWS || this.#chars > MAX_CHARS) {
      const oldest = this.#kept.shift()!;
      this.#chars -= oldest.text.length;
      this.#gone = oldest.place;
    }
  }
}

/** What a client may make as long as it likes. */
function charsOf(row: TapRow): number {
  if (row.kind !== "frame") return 0;
  const { text, messageId, action, code } = row;
  return [text, messageId, action, code].reduce((sum, part) => sum + (part?.length ?? 0), 0);
}

/** A copy: a slice would keep the whole text alive. */
function beginningOf(text: string): string {
  if (text.length <= MAX_FRAME_CHARS) return text;
  return Buffer.from(text.slice(0, MAX_FRAME_CHARS), "utf16le").toString("utf16le");
}
