/**
 * Compression of messages (RFC 7692), without a context on either side: a context would cost 64 KiB and
 * more for each client, for as long as it is connected.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { constants, deflateRaw, deflateRawSync, inflateRaw, inflateRawSync } from "node:zlib";
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
/** What is larger goes to other threads: it would hold the event loop up for milliseconds. */
const AT_ONCE_BYTES = 64 * 1024;
/** So many are there at once, of all clients. */
const MAX_ELSEWHERE = 4;
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

/** Work for other threads: a few at once, the rest in its order. */
export class DeflateQueue {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** Runs one; its `done` must come. */
  run(work: (done: () => void) => void): void {
    if (this.#running === MAX_ELSEWHERE) return void this.#waiting.push(() => this.run(work));
    this.#running++;
    work(() => {
      this.#running--;
      this.#waiting.shift()?.();
    });
  }
}

/** Whose messages they are. */
export interface DeflateOwner {
  /** Nothing may be given to the receiver until `inflated`. Calls back when one more message may come. */
  inflating(go: () => void): void;
  inflated(): void;
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
      this.#end(done, null, NOTHING);
    };
    // Never within the receiver's own loop, which would call itself for each message.
    queueMicrotask(() => this.#owner.inflating(inflate));
  }

  #inflate(data: Buffer, done: Decompressed): void {
    const all = Buffer.concat([...this.#fragments ?? [], data, TRAILER]);
    this.#fragments = null;
    const options = { ...FLUSH, maxOutputLength: this.#maxMessageBytes };
    if (all.length > AT_ONCE_BYTES) {
      return this.#queue.run((next) =>
        inflateRaw(all, options, (error, inflated) => {
          next();
          this.#end(done, error, inflated);
        })
      );
    }
    let inflated: Buffer;
    try {
      inflated = inflateRawSync(all, options);
    } catch (error) {
      return this.#end(done, error as Error);
    }
    this.#end(done, null, inflated);
  }

  #end(done: Decompressed, error: Error | null, inflated?: Buffer): void {
    this.#owner.inflated();
    done(error, inflated);
  }

  compress(data: Buffer | string, _isLast: boolean, done: Compressed): void {
    const { server_max_window_bits: bits } = this.params;
    const options = { ...FLUSH, windowBits: bits === undefined ? MAX_WINDOW_BITS : Number(bits) };
    const bytes = Buffer.from(data);
    if (bytes.length <= AT_ONCE_BYTES) return done(null, trimmed(deflateRawSync(bytes, options)));
    this.#queue.run((next) =>
      deflateRaw(bytes, options, (error, deflated) => {
        next();
        done(error, error === null ? trimmed(deflated) : deflated);
      })
    );
  }
}

function trimmed(deflated: Buffer): Buffer {
  return deflated.subarray(0, deflated.length - TRAILER.length);
}
