/**
 * What comes on a connection: bytes, until they are messages that somebody takes.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Socket as Connection } from "node:net";
import { OVERSIZED } from "../socket.ts";
import type { DeflateOwner } from "./deflate.ts";
import { createReceiver, type Extensions, type FrameReceiver } from "./library.ts";
import type { Busy, Turns } from "./turns.ts";

/** A text, a binary message, or one that is too large. */
export type Message = string | Buffer | typeof OVERSIZED;

/** Whose it is. */
export interface InflowOwner {
  /** Something came. */
  heard(): void;
  message(data: Message): void;
  pinged(data: Buffer): void;
  /** The client's close frame has come, 1005 for one without a code. Nothing follows. */
  concluded(code: number, reason: string): void;
  /** What came is no frame: closed with this code. Nothing follows. */
  faulted(code: number): void;
  /** The client has ended its side, and all that it sent has been told. */
  ended(): void;
}

/**
 * So much is looked at in one go, before it is asked whether the client is held, and others have a turn.
 * The least that a fragment keeps, too: what came with it, such as pongs between fragments.
 */
const PIECE_BYTES = 4096;
/** On the average the fragments of a message may not be smaller, … */
const MIN_FRAGMENT_BYTES = 1024;
/** … nor the parts in which a frame comes: each costs some 700 bytes beyond its own. */
const MIN_PART_BYTES = 256;
/** Messages of a few bytes are never in too many parts. */
const MIN_PARTS = 1024;

const PROTOCOL_ERROR = 1002;
const INVALID_PAYLOAD = 1007;
const POLICY = 1008;

/** By what the library and zlib call them; 1002 for all others. */
const FAULT_CODES: Readonly<Record<string, number>> = {
  WS_ERR_INVALID_UTF8: INVALID_PAYLOAD,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: POLICY,
  Z_DATA_ERROR: INVALID_PAYLOAD,
  Z_BUF_ERROR: INVALID_PAYLOAD,
};

/** Messages that are refused for their size. */
const OVERSIZE_CODES: readonly string[] = [
  "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH",
  "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH",
  "ERR_BUFFER_TOO_LARGE",
];

/** Whose an emitter is: a property in place of closures, since each idle client would have them. */
const INFLOW = Symbol("inflow");

/**
 * Owns what has come and was not told.
 *
 * - Messages are told in their order, and none while it is held. By then at most `PIECE_BYTES` have been
 *   looked at beyond the message that it was held for; the rest waits, and the connection is not read.
 * - No compressed message is inflated while it is held.
 * - What comes in one go is looked at piece by piece, and others have their turns in between.
 * - After `stop` what comes is read and dropped.
 */
export class Inflow implements DeflateOwner, Busy {
  readonly #connection: Connection;
  readonly #owner: InflowOwner;
  readonly #turns: Turns;
  /** Null when nothing more is looked at. */
  #receiver: FrameReceiver | null = null;
  #isHeld = false;
  #isFeeding = false;
  #hasEnded = false;
  /** Bytes that were not given to the receiver. */
  #unfed: Buffer | null = null;
  /** Messages, or one that is about to be inflated, that wait for the end of a hold. */
  #held: (Message | (() => void))[] | null = null;
  /** Tells what comes behind them, and nothing behind that. */
  #last: (() => void) | null = null;

  constructor(connection: Connection, owner: InflowOwner, turns: Turns) {
    this.#connection = connection;
    this.#owner = owner;
    this.#turns = turns;
  }

  /**
   * Begins to read.
   *
   * @param head What came already.
   * @param maxMessageBytes What a message may have, inflated or not.
   */
  start(head: Buffer, extensions: Extensions, maxMessageBytes: number): void {
    const parts = (least: number) => Math.max(MIN_PARTS, Math.ceil(maxMessageBytes / least));
    this.#receiver = createReceiver({
      isServer: true,
      extensions,
      maxPayload: maxMessageBytes,
      maxFragments: parts(MIN_FRAGMENT_BYTES),
      maxBufferedChunks: parts(MIN_PART_BYTES),
    });
    owned(this.#receiver, this)
      .on("message", onMessage)
      .on("ping", onPing)
      .on("conclude", onConclude)
      .on("error", onError);
    owned(this.#connection, this).on("data", onData).on("end", onEnd);
    if (head.length > 0) this.#unfed = head;
    // Its end may have come, and been told, while nobody listened.
    this.#hasEnded = this.#connection.readableEnded;
    this.#feed();
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  hold(): void {
    this.#isHeld = true;
    if (this.#isStopped) this.#connection.pause();
  }

  release(): void {
    this.#isHeld = false;
    while (this.#held !== null && !this.#isHeld) {
      const next = this.#held.shift()!;
      if (this.#held.length === 0) this.#held = null;
      if (typeof next === "function") next();
      else this.#owner.message(next);
    }
    if (!this.#isHeld) this.#tellLast();
    this.#feed();
  }

  stop(): void {
    this.#receiver = null;
    this.#unfed = null;
    this.#connection.resume();
  }

  /** The connection is no more: what came before is told. */
  close(): void {
    while (this.#unfed !== null && this.#receiver !== null && !this.#isHeld) this.#feedPiece();
    this.#receiver = null;
    this.#unfed = null;
    for (const each of this.#held ?? []) {
      if (typeof each !== "function") this.#owner.message(each);
    }
    this.#held = null;
    this.#tellLast();
  }

  get isGone(): boolean {
    return this.#connection.destroyed;
  }

  inflating(go: () => void): void {
    if (this.#receiver === null) return;
    if (this.#isHeld) (this.#held ??= []).push(go);
    else go();
  }

  come(bytes: Buffer): void {
    this.#owner.heard();
    if (this.#receiver !== null) this.#unfed = bytes;
    if (bytes.length > PIECE_BYTES) this.#goOnLater();
    else this.#feed();
  }

  goOn(): void {
    this.#feed();
  }

  /** Others have their turn first. */
  #goOnLater(): void {
    this.#connection.pause();
    this.#turns.enter(this);
  }

  /** Looks at one piece, if it may. */
  #feed(): void {
    if (this.#isFeeding) return;
    this.#feedPiece();
    if (this.#isStopped) this.#connection.pause();
    else if (this.#unfed !== null) this.#goOnLater();
    else if (this.#hasEnded) this.#endIfTold();
    else if (this.#connection.isPaused()) this.#connection.resume();
  }

  #feedPiece(): void {
    if (this.#unfed === null || this.#receiver === null || this.#isStopped) return;
    const bytes: Buffer = this.#unfed;
    this.#unfed = bytes.length > PIECE_BYTES ? bytes.subarray(PIECE_BYTES) : null;
    this.#isFeeding = true;
    try {
      this.#receiver.write(pieceOf(bytes));
    } finally {
      this.#isFeeding = false;
    }
  }

  /** Whether nothing is looked at for now. */
  get #isStopped(): boolean {
    return this.#receiver !== null && this.#isHeld;
  }

  message(data: Message): void {
    if (this.#isHeld || this.#held !== null) (this.#held ??= []).push(data);
    else this.#owner.message(data);
  }

  pinged(data: Buffer): void {
    this.#owner.pinged(data);
  }

  conclude(code: number, reason: string): void {
    this.#end(() => this.#owner.concluded(code, reason));
  }

  fault({ code = "" }: Error & { code?: string }): void {
    this.#end(() => {
      if (OVERSIZE_CODES.includes(code)) this.#owner.message(OVERSIZED);
      else this.#owner.faulted(FAULT_CODES[code] ?? PROTOCOL_ERROR);
    });
  }

  #end(tell: () => void): void {
    if (this.#receiver === null) return;
    this.stop();
    this.#last = tell;
    if (!this.#isHeld && this.#held === null) this.#tellLast();
  }

  #tellLast(): void {
    const tell = this.#last;
    this.#last = null;
    tell?.();
  }

  end(): void {
    this.#hasEnded = true;
    if (!this.#isStopped && this.#unfed === null) this.#endIfTold();
  }

  #endIfTold(): void {
    if (this.#held === null && this.#last === null) this.#owner.ended();
  }
}

/** A copy where it came with more: one byte that the receiver keeps of it would keep all of that. */
function pieceOf(bytes: Buffer): Buffer {
  return bytes.buffer.byteLength > PIECE_BYTES
    ? Buffer.from(bytes.subarray(0, PIECE_BYTES))
    : bytes;
}

interface Owned {
  [INFLOW]: Inflow;
}

function owned<T extends object>(emitter: T, inflow: Inflow): T {
  (emitter as T & Owned)[INFLOW] = inflow;
  return emitter;
}

function onMessage(this: unknown, data: Buffer, isBinary: boolean): void {
  (this as Owned)[INFLOW].message(isBinary ? data : data.toString());
}

function onPing(this: unknown, data: Buffer): void {
  (this as Owned)[INFLOW].pinged(data);
}

function onConclude(this: unknown, code: number, reason: Buffer): void {
  (this as Owned)[INFLOW].conclude(code, reason.toString());
}

function onError(this: unknown, error: Error): void {
  (this as Owned)[INFLOW].fault(error);
}

function onData(this: unknown, bytes: Buffer): void {
  (this as Owned)[INFLOW].come(bytes);
}

function onEnd(this: unknown): void {
  (this as Owned)[INFLOW].end();
}
