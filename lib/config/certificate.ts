/**
 * What a certificate says of itself, and whether a key is its own.
 *
 * @module
 */

import { createPrivateKey, X509Certificate } from "node:crypto";

/** When a certificate counts, in milliseconds since 1970. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

/**
 * When the certificate counts that a server shows: the first one of its chain.
 *
 * @param cert The chain, PEM; or a certificate that was read.
 * @returns Undefined for what the runtime's reader cannot read.
 */
export function validityOf(cert: string | X509Certificate): Validity | undefined {
  try {
    const { validFrom, validTo } = typeof cert === "string" ? new X509Certificate(cert) : cert;
    const [notBefore, notAfter] = [Date.parse(validFrom), Date.parse(validTo)];
    return Number.isNaN(notBefore) || Number.isNaN(notAfter) ? undefined : { notBefore, notAfter };
  } catch {
    return undefined;
  }
}

/**
 * Whether the key is known to be another certificate's. What this reader cannot read is for TLS itself
 * to judge: the two know different kinds of keys.
 */
export function isMismatched(cert: string, key: string): boolean {
  try {
    return !new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}
