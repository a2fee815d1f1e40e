/**
 * The parts of the library `ws` that are used here, with their types.
 *
 * Its own WebSocket is not one of them: it keeps two zlib streams for a client that once sent a compressed
 * message, and goes through all that it has read, also when it is paused.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import type { Duplex, Writable } from "node:stream";
import { extension, PerMessageDeflate, Receiver, Sender } from "ws";

/** What an extension of a connection does with messages. */
export interface MessageDeflate {
  /** @param isLast Whether it is the last fragment of its message. */
  decompress(data: Buffer, isLast: boolean, done: Decompressed): void;
  compress(data: Buffer | string, isLast: boolean, done: Compressed): void;
}

export type Decompressed = (error: Error | null, data?: Buffer) => void;
export type Compressed = (error: Error | null, data: Buffer) => void;

/** By their names. */
export type Extensions = Readonly<Record<string, MessageDeflate>>;

/**
 * Takes bytes, and emits `message` (Buffer, whether it is binary), `ping` (Buffer), `pong`, `conclude`
 * (code, reason as a Buffer; 1005 for none), and `error`, whose code begins with `WS_ERR_`.
 */
export type FrameReceiver = Writable;

export interface ReceiverOptions {
  readonly isServer: boolean;
  readonly extensions: Extensions;
  readonly maxPayload: number;
  readonly maxFragments: number;
  readonly maxBufferedChunks: number;
}

export interface SendOptions {
  readonly fin: boolean;
  readonly binary: boolean;
  readonly mask: boolean;
  readonly compress: boolean;
}

export interface FrameSender {
  send(text: string, options: SendOptions, done?: () => void): void;
  pong(data: Buffer, isMasked: boolean): void;
  ping(data: string, isMasked: boolean): void;
  /** @throws For a code that may not be sent, and a reason of more than 123 bytes. */
  close(code: number | undefined, reason: string, isMasked: boolean): void;
}

export function createReceiver(options: ReceiverOptions): FrameReceiver {
  return new Receiver(options);
}

export function createSender(socket: Duplex, extensions: Extensions): FrameSender {
  return new Sender(socket, extensions);
}

/** What was agreed on, by its parameters. */
export type Agreed = Readonly<Record<string, true | number>>;

/**
 * Reads offers of `Sec-WebSocket-Extensions`.
 *
 * @returns The parameters of each offer of permessage-deflate, as they were read.
 * @throws For a header that is not valid.
 */
export function offersOf(header: string): Record<string, (true | string)[]>[] {
  return extension.parse(header)[PerMessageDeflate.extensionName] ?? [];
}

/**
 * Takes the first offer that can be: never with a context on either side.
 *
 * @throws When there is none.
 */
export function acceptOffer(offers: Record<string, (true | string)[]>[]): Agreed {
  return new PerMessageDeflate({
    isServer: true,
    serverNoContextTakeover: true,
    clientNoContextTakeover: true,
  }).accept(offers);
}

/** The header that answers offers. */
export function agreedHeader(agreed: Agreed): string {
  return extension.format({ [PerMessageDeflate.extensionName]: agreed });
}

/** The extensions of a connection with one. */
export function extensionsWith(deflate: MessageDeflate): Extensions {
  return { [PerMessageDeflate.extensionName]: deflate };
}
