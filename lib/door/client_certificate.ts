/**
 * The certificate that a client showed, here or to a proxy in front.
 *
 * @module
 */

import { X509Certificate } from "node:crypto";

/** What the backend is told of a client's certificate. Its members' names and order are on the wire. */
export interface ClientCertificate {
  /** Null where the certificate has none, or more than one. */
  readonly subject: { readonly CN: string | null; readonly O: string | null };
  /** Pairs of hexadecimal digits, in upper case. */
  readonly serialNumber: string;
  /** SHA-256 of all of it: pairs of hexadecimal digits with colons between, in upper case. */
  readonly fingerprint256: string;
}

/** A byte sequence (RFC 8941 §3.3.5). */
const BYTES = /^:([A-Za-z0-9+/]+={0,2}):$/;

/**
 * Reads a Client-Cert header (RFC 9440 §2.2). It says who has shown a certificate, not whether that one
 * can be trusted: the proxy that sent it has checked that.
 *
 * Never throws. Takes some 20 µs.
 *
 * @param header The header's value.
 * @returns Undefined when it is not exactly one certificate (DER).
 */
export function readClientCertificate(header: string): ClientCertificate | undefined {
  const [, base64] = BYTES.exec(header.trim()) ?? [];
  if (base64 === undefined) return undefined;
  try {
    return toldOf(Uint8Array.fromBase64(base64));
  } catch {
    return undefined;
  }
}

/**
 * What is told of a certificate (DER).
 *
 * Never throws.
 *
 * @returns Undefined when it is not exactly one.
 */
export function toldOf(der: Uint8Array): ClientCertificate | undefined {
  try {
    if (!isOneSequence(der)) return undefined;
    const certificate = new X509Certificate(der);
    // Not its text, in which a value can pass for several.
    const { CN, O } = certificate.toLegacyObject().subject as { CN?: unknown; O?: unknown };
    const { serialNumber, fingerprint256 } = certificate;
    return {
      subject: { CN: textOf(CN), O: textOf(O) },
      // Whole bytes, as Node and OpenSSL write it; Deno leaves a zero at its beginning out.
      serialNumber: serialNumber.length % 2 === 0 ? serialNumber : `0${serialNumber}`,
      fingerprint256,
    };
  } catch {
    return undefined;
  }
}

/**
 * Whether an ASN.1 sequence is all there is (X.690 §8.1): `X509Certificate` takes PEM too, and does not
 * mind what stands behind a certificate, with which it would have another fingerprint.
 */
function isOneSequence(der: Uint8Array): boolean {
  // No certificate is shorter than 128 bytes, or longer than a head: its length takes one byte or two.
  const [tag, form, high = 0, low = 0] = der;
  const size = form === 0x81 ? 3 + high : form === 0x82 ? 4 + high * 256 + low : -1;
  return tag === 0x30 && size === der.length;
}

/** Of several values nobody knows which one counts. */
function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
