/**
 * Compression of messages (RFC 7692), without a context on either side: a context would cost 64 KiB and
 * more for each client, for as long as it is connected.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { constants, createDeflateRaw, deflateRawSync, inflateRawSync } from "node:zlib";
import type { Clock } from "../../clock.ts";
import {
  acceptOffer,
  type Agreed,
  type Compressed,
  type Decompressed,
  type MessageDeflate,
  offersOf,
} from "./library.ts";

/** A shorter message gains nothing: most answers are a few bytes. */
const THRESHOLD_BYTES = 256;
/**
 * What is larger is compressed in slices of this, each in a turn of the event loop: zlib takes some 20 ms
 * for 1 MiB, and the runtime (Deno 2.9.6) has no other thread for it, also where it is called
 * asynchronously.
 */
const SLICE_BYTES = 64 * 1024;
/** Between two slices: where it is never idle, the runtime hardly asks for what has come on connections. */
const IDLE_MS = 1;
/** The end of each message, which is not sent (RFC 7692 §7.2.1). */
const TRAILER = Buffer.from([0x00, 0x00, 0xff, 0xff]);
const NOTHING = Buffer.alloc(0);
const FLUSH = { finishFlush: constants.Z_SYNC_FLUSH } as const;
const MAX_WINDOW_BITS = 15;
/** zlib cannot make a raw stream with a window of 8. */
const MIN_WINDOW_BITS = 9;

/**
 * Reads a client's offers.
 *
 * @param header Its `Sec-WebSocket-Extensions`; null for none.
 * @returns What is agreed on; undefined for no compression: also when a header is not valid, since a
 *   client that cannot have it goes on without.
 */
export function agreeOnDeflate(header: string | null): Agreed | undefined {
  if (header === null) return undefined;
  try {
    const offers = offersOf(header).filter(({ server_max_window_bits: bits }) =>
      bits === undefined || Number(bits[0]) >= MIN_WINDOW_BITS
    );
    return offers.length === 0 ? undefined : acceptOffer(offers);
  } catch {
    return undefined;
  }
}

/** Compresses what is large: one message at a time, of all clients, in their order. */
export class DeflateQueue {
  readonly #clock: Clock;
  readonly #waiting: Job[] = [];
  #isRunning = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Compresses a message, unless nobody waits for it any more when it has its turn. */
  add(job: Job): void {
    this.#waiting.push(job);
    if (!this.#isRunning) this.#next();
  }

  #next(): void {
    let job = this.#waiting.shift();
    while (job?.owner.isGone === true) job = this.#waiting.shift();
    this.#isRunning = job !== undefined;
    if (job !== undefined) this.#compress(job);
  }

  #compress({ bytes, windowBits, owner, done }: Job): void {
    const parts: Buffer[] = [];
    const stream = createDeflateRaw({ windowBits });
    let at = 0;
    const end = (tell: () => void): void => {
      stream.close();
      tell();
      this.#next();
    };
    const goOn = (): void => {
      if (owner.isGone) return end(() => {});
      if (at >= bytes.length) {
        return void stream.flush(
          constants.Z_SYNC_FLUSH,
          () => end(() => done(null, trimmed(Buffer.concat(parts)))),
        );
      }
      const slice = bytes.subarray(at, at + SLICE_BYTES);
      at += SLICE_BYTES;
      stream.write(slice, () => this.#clock.setTimeout(goOn, IDLE_MS));
    };
    stream.on("data", (part: Buffer) => parts.push(part));
    goOn();
  }
}

/** A message that waits to be compressed. */
interface Job {
  readonly bytes: Buffer;
  readonly windowBits: number;
  readonly owner: Pick<DeflateOwner, "isGone">;
  readonly done: Compressed;
}

/** Whose messages they are. */
export interface DeflateOwner {
  /** Whether its connection is no more. */
  readonly isGone: boolean;
  /** Calls back when one more message may come. */
  inflating(go: () => void): void;
}

/** One client's: it holds nothing between two messages. */
export class Deflate implements MessageDeflate {
  // The sender looks at these.
  readonly _threshold = THRESHOLD_BYTES;
  readonly _isServer = true;
  readonly params: Agreed;
  readonly #owner: DeflateOwner;
  readonly #queue: DeflateQueue;
  readonly #maxMessageBytes: number;
  /** Of a message whose last fragment has not come: its bound is the receiver's. */
  #fragments: Buffer[] | null = null;

  constructor(agreed: Agreed, owner: DeflateOwner, queue: DeflateQueue, maxMessageBytes: number) {
    this.params = agreed;
    this.#owner = owner;
    this.#queue = queue;
    this.#maxMessageBytes = maxMessageBytes;
  }

  decompress(data: Buffer, isLast: boolean, done: Decompressed): void {
    const inflate = (): void => {
      if (isLast) return this.#inflate(data, done);
      (this.#fragments ??= []).push(data);
      done(null, NOTHING);
    };
    // Never within the receiver's own loop, which would call itself for each message.
    queueMicrotask(() => this.#owner.inflating(inflate));
  }

  // At once, whatever its size: that takes less than to read what comes of it, which is bounded.
  #inflate(data: Buffer, done: Decompressed): void {
    const all = Buffer.concat([...this.#fragments ?? [], data, TRAILER]);
    this.#fragments = null;
    let inflated: Buffer;
    try {
      inflated = inflateRawSync(all, { ...FLUSH, maxOutputLength: this.#maxMessageBytes });
    } catch (error) {
      return done(error as Error);
    }
    done(null, inflated);
  }

  compress(data: Buffer | string, _isLast: boolean, done: Compressed): void {
    const { server_max_window_bits: bits } = this.params;
    const windowBits = bits === undefined ? MAX_WINDOW_BITS : Number(bits);
    const bytes = Buffer.from(data);
    if (bytes.length > SLICE_BYTES) {
      return this.#queue.add({ bytes, windowBits, owner: this.#owner, done });
    }
    done(null, trimmed(deflateRawSync(bytes, { ...FLUSH, windowBits })));
  }
}

function trimmed(deflated: Buffer): Buffer {
  return deflated.subarray(0, deflated.length - TRAILER.length);
}
