/**
 * What is in a certificate or a list of revoked ones, as its bytes have it (X.690).
 *
 * @module
 */

/** One value: its tag, its content, and all of it with its head. */
export interface Der {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly whole: Uint8Array;
}

/** Tags that are looked for. */
export const BOOLEAN = 0x01;
export const INTEGER = 0x02;
export const BIT_STRING = 0x03;
export const OBJECT_ID = 0x06;
export const SEQUENCE = 0x30;
export const UTC_TIME = 0x17;
export const GENERALIZED_TIME = 0x18;

/** What the bytes are not. */
export class DerError extends Error {}

/** An extension (RFC 5280 §4.1.2.9): its name, whether whoever does not know it must refuse, its value. */
export interface Extension {
  /** The bytes of its object identifier, in hex. */
  readonly oid: string;
  readonly isCritical: boolean;
  readonly value: Uint8Array;
}

/** Each of the values that stand one behind the other. @throws `DerError` when they are no such. */
export function* derIn(bytes: Uint8Array): Generator<Der, void, undefined> {
  for (let at = 0; at < bytes.length;) {
    const value = derAt(bytes, at);
    at += value.whole.length;
    yield value;
  }
}

/** The content of the one value that the bytes are, which has this tag. @throws `DerError` otherwise. */
export function contentOf(bytes: Uint8Array, tag: number): Uint8Array {
  const value = derAt(bytes, 0);
  if (value.tag !== tag || value.whole.length !== bytes.length) throw new DerError("not one value");
  return value.content;
}

/** Bytes as digits, two for each. */
export function hexOf(bytes: Uint8Array): string {
  return bytes.toHex();
}

/** A serial number as one text, however many zeros or none it begins with. */
export function serialOf(hex: string): string {
  return hex.toLowerCase().replace(/^0+(?=.)/, "");
}

/** The extensions in a list of them. @throws `DerError` */
export function extensionsIn(list: Uint8Array): Extension[] {
  return Array.from(derIn(list), ({ tag, content }) => {
    if (tag !== SEQUENCE) throw new DerError("an extension is no sequence");
    const [oid, second, third] = derIn(content);
    const value = second?.tag === BOOLEAN ? third : second;
    if (oid?.tag !== OBJECT_ID || value === undefined) throw new DerError("no extension");
    const isCritical = second?.tag === BOOLEAN && second.content[0] !== 0;
    return { oid: hexOf(oid.content), isCritical, value: value.content };
  });
}

/** Milliseconds since 1970 (RFC 5280 §4.1.2.5); undefined when the value is no time. */
export function timeOf({ tag, content }: Der): number | undefined {
  const text = new TextDecoder().decode(content);
  const [, year = "", month, day, hour, minute, second] =
    /^(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  if ((tag !== UTC_TIME || year.length !== 2) && (tag !== GENERALIZED_TIME || year.length !== 4)) {
    return undefined;
  }
  const century = year.length === 4 ? "" : Number(year) < 50 ? "20" : "19";
  const time = Date.parse(`${century}${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(time) ? undefined : time;
}

function derAt(bytes: Uint8Array, at: number): Der {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined) throw new DerError("cut short");
  let head = 2;
  let length = first;
  if (first >= 0x80) {
    const digits = first & 0x7f;
    // Longer than 4 GiB, or without a length, which DER has not.
    if (digits === 0 || digits > 4) throw new DerError("a length that cannot be");
    head += digits;
    length = 0;
    for (let k = 0; k < digits; k++) length = length * 256 + (bytes[at + 2 + k] ?? NaN);
  }
  const end = at + head + length;
  if (!(end <= bytes.length)) throw new DerError("cut short");
  return { tag, content: bytes.subarray(at + head, end), whole: bytes.subarray(at, end) };
}
