/**
 * WebSocket frames as bytes (RFC 6455 §5.2): CALLs to send, and what comes back.
 *
 * All of it is made for little work for each message: the generator shares the machine with what it
 * measures. The outgoing frame is masked once and kept; only the digits of the MessageId change.
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

const ZERO = 0x30;
const QUOTE = 0x22;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

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

/** A Heartbeat CALL as a frame that is written again and again, with another MessageId each time. */
export class CallFrame {
  readonly #frame: Uint8Array<ArrayBuffer>;
  readonly #idAt: number;

  /** @param payloadBytes Length of the payload's one string, in bytes; 0 for the payload `{}`. */
  constructor(payloadBytes: number) {
    const payload = payloadBytes === 0 ? "{}" : `{"data":"${"x".repeat(payloadBytes)}"}`;
    const text = encoder.encode(`[2,"${"0".repeat(ID_DIGITS)}","Heartbeat",${payload}]`);
    this.#frame = maskedFrame(TEXT, text);
    this.#idAt = this.#frame.length - text.length + ID_AT;
  }

  /**
   * Valid until the next one.
   *
   * @param id The MessageId, 0 to 9,999,999,999; the answer has it with leading zeros.
   */
  of(id: number): Uint8Array<ArrayBuffer> {
    for (let i = ID_DIGITS - 1; i >= 0; i--) {
      this.#frame[this.#idAt + i] = (ZERO + id % 10) ^ MASK[(ID_AT + i) & 3]!;
      id = Math.floor(id / 10);
    }
    return this.#frame;
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

/** The CALLRESULT to a text as a frame; undefined when the text is no CALL. */
export function resultOf(text: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  const messageId = /^\[2,("[^"\\]+"),/.exec(decoder.decode(text))?.[1];
  return messageId === undefined
    ? undefined
    : maskedFrame(TEXT, encoder.encode(`[3,${messageId},{}]`));
}

/** Finds the frames in what a server sent: `next` until it is false. */
export class FrameReader {
  /** Of the frame that `next` found. */
  opcode = 0;
  /** Whether it is a whole message; a gateway has no reason to send fragments. */
  isFinal = true;
  payloadStart = 0;
  payloadEnd = 0;

  /** @returns Whether a whole frame begins at `start`. */
  next(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start < 2) return false;
    // A server does not mask (RFC 6455 §5.1), so this is the length alone.
    let length = bytes[start + 1]!;
    let headBytes = 2;
    if (length >= 126) {
      headBytes = length === 126 ? 4 : 10;
      if (end - start < headBytes) return false;
      const view = new DataView(bytes.buffer, bytes.byteOffset + start + 2);
      length = headBytes === 4 ? view.getUint16(0) : Number(view.getBigUint64(0));
    }
    this.opcode = bytes[start]! & 15;
    this.isFinal = (bytes[start]! & 0x80) !== 0;
    this.payloadStart = start + headBytes;
    this.payloadEnd = this.payloadStart + length;
    return this.payloadEnd <= end;
  }
}
