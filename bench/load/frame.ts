/**
 * WebSocket frames as bytes (RFC 6455 §5.2): CALLs to send, and what comes back.
 *
 * All of it is made for little work for each message: the generator shares the machine with what it
 * measures. The outgoing frames are masked once and kept; only the digits of the MessageId change.
 *
 * @module
 */

export const TEXT = 1;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/** The key need not be secret here, and with one key for all a frame is masked only once. */
const MASK = [0x1d, 0x8a, 0x53, 0xe6] as const;

/** `[2,"` */
const ID_AT = 4;
/** All MessageIds are this long, so that every CALL has the same length. */
const ID_DIGITS = 10;
/** No answer of a gateway comes near this; a longer length is a broken stream. */
const MAX_FRAME_BYTES = 64 * 1024 ** 2;

const ZERO = 0x30;
const QUOTE = 0x22;

const encoder = new TextEncoder();

/** One final, masked frame. */
export function maskedFrame(opcode: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const { length } = payload;
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const frame = new Uint8Array(2 + lengthBytes + 4 + length);
  const view = new DataView(frame.buffer);
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) view.setUint16(2, length);
  if (lengthBytes === 8) view.setBigUint64(2, BigInt(length));
  const bodyAt = 2 + lengthBytes + 4;
  frame.set(MASK, bodyAt - 4);
  for (let i = 0; i < length; i++) frame[bodyAt + i] = payload[i]! ^ MASK[i & 3]!;
  return frame;
}

/**
 * Heartbeat CALLs, as frames ready to be written.
 *
 * A frame belongs to the caller from `take` until `give`; as many exist as are being written at once.
 */
export class CallFrames {
  readonly #template: Uint8Array<ArrayBuffer>;
  readonly #idAt: number;
  readonly #free: Uint8Array<ArrayBuffer>[] = [];

  /** @param payloadBytes Length of the payload's one string, in bytes; 0 for the payload `{}`. */
  constructor(payloadBytes: number) {
    const payload = payloadBytes === 0 ? "{}" : `{"data":"${"x".repeat(payloadBytes)}"}`;
    const text = encoder.encode(`[2,"${"0".repeat(ID_DIGITS)}","Heartbeat",${payload}]`);
    this.#template = maskedFrame(TEXT, text);
    this.#idAt = this.#template.length - text.length + ID_AT;
  }

  /** @param id The MessageId, 0 to 9,999,999,999; the answer has it with leading zeros. */
  take(id: number): Uint8Array<ArrayBuffer> {
    const frame = this.#free.pop() ?? this.#template.slice();
    for (let i = ID_DIGITS - 1; i >= 0; i--) {
      frame[this.#idAt + i] = (ZERO + id % 10) ^ MASK[(ID_AT + i) & 3]!;
      id = Math.floor(id / 10);
    }
    return frame;
  }

  give(frame: Uint8Array<ArrayBuffer>): void {
    this.#free.push(frame);
  }
}

/** What a text says: the message type and the MessageId as a number. */
export interface Answer {
  readonly type: number;
  readonly id: number;
}

/**
 * Reads the beginning of a CALLRESULT or CALLERROR, without a look at the rest.
 *
 * @returns Undefined for a text that does not begin `[<digit>,"<digits>"`.
 */
export function readAnswer(bytes: Uint8Array, start: number, end: number): Answer | undefined {
  if (end - start < ID_AT + 2 || bytes[start] !== 0x5b || bytes[start + 3] !== QUOTE) {
    return undefined;
  }
  let id = 0;
  let at = start + ID_AT;
  for (; at < end && bytes[at] !== QUOTE; at++) {
    const digit = bytes[at]! - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    id = id * 10 + digit;
  }
  return at === end || at === start + ID_AT ? undefined : { type: bytes[start + 1]! - ZERO, id };
}

/**
 * Cuts what a socket gives into the upgrade's response and frames, however it was split.
 *
 *     read into space(), received(count), then next() until it is false
 */
export class FrameReader {
  /** Of the frame that `next` found, valid until the next `space`. */
  opcode = 0;
  /** Whether it is a whole message; a gateway has no reason to send fragments. */
  isFinal = true;
  payloadStart = 0;
  payloadEnd = 0;
  #bytes: Uint8Array<ArrayBuffer>;
  #start = 0;
  #end = 0;

  /** @param bytes Where to read into; replaced by a larger one when a frame does not fit. */
  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** How much came that is not read yet; after a `next` that was false, half a frame. */
  get pendingBytes(): number {
    return this.#end - this.#start;
  }

  /** Where the next bytes go: never empty. */
  space(): Uint8Array<ArrayBuffer> {
    return this.#end === 0 ? this.#bytes : this.#bytes.subarray(this.#end);
  }

  received(count: number): void {
    this.#end += count;
  }

  /** The upgrade's response with its empty line; undefined while it is incomplete. */
  head(): string | undefined {
    const text = new TextDecoder("latin1").decode(this.#bytes.subarray(this.#start, this.#end));
    const end = text.indexOf("\r\n\r\n");
    if (end === -1) {
      this.#keep(this.#end - this.#start + 1);
      return undefined;
    }
    this.#start += end + 4;
    return text.slice(0, end + 4);
  }

  /**
   * Goes to the next whole frame.
   *
   * @throws For a length that no gateway sends, and for more than `MAX_FRAME_BYTES`.
   */
  next(): boolean {
    const available = this.#end - this.#start;
    if (available < 2) return this.#keep(2);
    const bytes = this.#bytes;
    const first = bytes[this.#start]!;
    // A server does not mask (RFC 6455 §5.1), so this is the length alone.
    let length = bytes[this.#start + 1]!;
    let headBytes = 2;
    if (length >= 126) {
      headBytes = length === 126 ? 4 : 10;
      if (available < headBytes) return this.#keep(headBytes);
      const view = new DataView(bytes.buffer, bytes.byteOffset + this.#start + 2);
      length = headBytes === 4 ? view.getUint16(0) : Number(view.getBigUint64(0));
      if (length > MAX_FRAME_BYTES) throw new Error("a frame too long to be one");
    }
    if (available < headBytes + length) return this.#keep(headBytes + length);
    this.opcode = first & 15;
    this.isFinal = (first & 0x80) !== 0;
    this.payloadStart = this.#start + headBytes;
    this.payloadEnd = this.payloadStart + length;
    this.#start = this.payloadEnd;
    return true;
  }

  /** Moves the rest to the front of a buffer that has room for `needed` bytes. */
  #keep(needed: number): false {
    if (this.#start === this.#end && needed <= this.#bytes.length) {
      this.#start = this.#end = 0;
      return false;
    }
    const rest = this.#bytes.subarray(this.#start, this.#end);
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      larger.set(rest);
      this.#bytes = larger;
    } else if (this.#start > 0 && rest.length > 0) {
      this.#bytes.copyWithin(0, this.#start, this.#end);
    }
    this.#start = 0;
    this.#end = rest.length;
    return false;
  }
}
