/**
 * Which clients' certificates count.
 *
 * @module
 */

import { X509Certificate } from "node:crypto";
import { type Authority, type ClientCaFiles, readAuthorities } from "../config/client_ca.ts";
import { validityOf } from "../config/certificate.ts";
import {
  BOOLEAN,
  contentOf,
  type Der,
  derIn,
  type Extension,
  extensionsIn,
  hexOf,
  INTEGER,
  SEQUENCE,
  serialOf,
} from "../config/der.ts";
import type { HandshakeReason } from "../metrics/labels.ts";

/** Why a client's certificate does not count. */
export interface CertificateFault {
  readonly cause: Extract<HandshakeReason, "no_certificate" | "bad_certificate" | "revoked">;
  readonly error: string;
}

export const NO_CERTIFICATE: CertificateFault = {
  cause: "no_certificate",
  error: "the client shows no certificate",
};

/** RFC 5280 §4.2.1, in hex. */
const BASIC_CONSTRAINTS = "551d13";
const KEY_USAGE = "551d0f";
const EXTENDED_KEY_USAGE = "551d25";
const NAME_CONSTRAINTS = "551d1e";
/** id-kp-clientAuth */
const CLIENT_AUTH = "2b06010505070302";
const EXTENSIONS_TAG = 0xa3;
const VERSION_TAG = 0xa0;
/** rsaEncryption, id-ecPublicKey, id-Ed25519: the keys that the runtime's TLS knows. */
const KEYS: readonly string[] = ["2a864886f70d010101", "2a8648ce3d0201", "2b6570"];
/** No chain is longer: the client's certificate and authorities. */
const MAX_CHAIN = 10;

/**
 * Judges clients' certificates beyond what the runtime does in a handshake.
 *
 * The runtime checks a certificate in whole handshakes only, keeps the session also of one that it refuses,
 * and takes up again any session of this process: of a client that was refused, of a listener that asks
 * for no certificate, of an authority that counts no more. So in a session that is taken up again
 * the certificate is judged here: signatures, dates, and what it may be used for.
 */
export class ClientTrust {
  readonly #authorities: readonly Authority[];

  /** @throws When the files are not what they should be: whoever read them knows it first. */
  constructor(files: ClientCaFiles) {
    const read = readAuthorities(files);
    if (!read.ok) throw new TypeError(`--${read.flag}: ${read.fault}`);
    this.#authorities = read.authorities;
  }

  /**
   * What is wrong with a certificate; undefined for nothing.
   *
   * @param chain The client's own first, then those that lead to an authority (DER).
   * @param isResumed Whether the handshake took up an older session.
   * @param now Milliseconds since 1970.
   */
  faultOf(
    chain: readonly Uint8Array[],
    isResumed: boolean,
    now: number,
  ): CertificateFault | undefined {
    if (chain.length === 0) return NO_CERTIFICATE;
    // Behind so many a revoked authority must not hide.
    if (chain.length > MAX_CHAIN) {
      const error = `the client shows more than ${MAX_CHAIN} certificates`;
      return { cause: "bad_certificate", error };
    }
    try {
      const certificates = chain.map((bytes) => new X509Certificate(bytes));
      if (isResumed) {
        const error = this.#wrongWith(certificates, now);
        if (error !== undefined) return { cause: "bad_certificate", error };
      }
      return certificates.some((each) => this.#isRevoked(each))
        ? { cause: "revoked", error: "the client's certificate is revoked" }
        : undefined;
    } catch (error) {
      return { cause: "bad_certificate", error: String(error) };
    }
  }

  #wrongWith(certificates: readonly X509Certificate[], now: number): string | undefined {
    let [leaf, ...others] = certificates;
    for (let below = 0; leaf !== undefined; below++) {
      const dates = datesFault(leaf, now);
      if (dates !== undefined) return dates;
      const extensions = extensionsOf(leaf);
      if (below > 0 && !mayIssue(leaf, extensions, below - 1)) {
        return "an authority's certificate is not valid for this";
      }
      if (!isForClients(extensions)) return "the certificate is not for clients";
      const signed: X509Certificate = leaf;
      const authority = this.#authorities.find(({ certificate }) =>
        isSignedBy(signed, certificate)
      );
      if (authority !== undefined) {
        return hasNameConstraints(extensionsOf(authority.certificate))
          ? "its CA is for certain names, which are looked at in whole handshakes only"
          : undefined;
      }
      leaf = others.find((each) => hasKnownKey(each) && isSignedBy(signed, each));
      others = others.filter((each) => each !== leaf);
    }
    return "the certificate is signed by none of the CAs of --client-ca";
  }

  /** By the name of who has signed it: that this is who it says has been checked. */
  #isRevoked(certificate: X509Certificate): boolean {
    const serial = serialOf(certificate.serialNumber);
    return this.#authorities.some((authority) =>
      authority.lists.some(({ serials }) => serials.has(serial)) &&
      certificate.checkIssued(authority.certificate)
    );
  }
}

/** What the dates of a certificate say against it; undefined for nothing. */
function datesFault(certificate: X509Certificate, now: number): string | undefined {
  const validity = validityOf(certificate);
  if (validity === undefined) return "its dates cannot be read";
  if (now >= validity.notAfter) return "the certificate has expired";
  return now < validity.notBefore ? "the certificate is not valid yet" : undefined;
}

function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

/** What is signed of a certificate (RFC 5280 §4.1). */
function fieldsOf({ raw }: X509Certificate): Der[] {
  const [signed] = derIn(contentOf(raw, SEQUENCE));
  return [...derIn(signed!.content)];
}

function hasNameConstraints(extensions: readonly Extension[]): boolean {
  return extensions.some(({ oid }) => oid === NAME_CONSTRAINTS);
}

/** A client chooses what it shows: the runtime takes minutes to read a large key of another kind (DSA). */
function hasKnownKey(certificate: X509Certificate): boolean {
  const fields = fieldsOf(certificate);
  if (fields[0]?.tag === VERSION_TAG) fields.shift();
  // Behind number, signature, issuer, validity and subject.
  const [algorithm] = derIn(fields[5]!.content);
  const [name] = derIn(algorithm!.content);
  return KEYS.includes(hexOf(name!.content));
}

function extensionsOf(certificate: X509Certificate): Extension[] {
  const list = fieldsOf(certificate).find(({ tag }) => tag === EXTENSIONS_TAG);
  return list === undefined ? [] : extensionsIn(contentOf(list.content, SEQUENCE));
}

/** One without a list of uses is for all of them; the runtime knows no `anyExtendedKeyUsage` either. */
function isForClients(extensions: readonly Extension[]): boolean {
  const uses = extensions.find(({ oid }) => oid === EXTENDED_KEY_USAGE);
  return uses === undefined ||
    [...derIn(contentOf(uses.value, SEQUENCE))].some(({ content }) =>
      hexOf(content) === CLIENT_AUTH
    );
}

/**
 * Whether one that is no authority of ours may sign certificates.
 *
 * @param below Authorities between it and the client.
 */
function mayIssue(
  { ca }: X509Certificate,
  extensions: readonly Extension[],
  below: number,
): boolean {
  const known = [BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE];
  if (!ca || hasNameConstraints(extensions)) return false;
  if (extensions.some((each) => each.isCritical && !known.includes(each.oid))) return false;
  const basic = extensions.find(({ oid }) => oid === BASIC_CONSTRAINTS);
  if (basic === undefined) return false;
  const [isAuthority, length] = derIn(contentOf(basic.value, SEQUENCE));
  if (isAuthority?.tag !== BOOLEAN) return false;
  return length?.tag !== INTEGER || Number(`0x${hexOf(length.content)}`) >= below;
}
