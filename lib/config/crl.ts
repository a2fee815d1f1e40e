/**
 * Lists of certificates that are revoked (RFC 5280 §5).
 *
 * @module
 */

import { verify, type X509Certificate } from "node:crypto";
import {
  BIT_STRING,
  contentOf,
  derIn,
  extensionsIn,
  hexOf,
  INTEGER,
  SEQUENCE,
  serialOf,
  timeOf,
} from "./der.ts";
import { pemBlocks } from "./pem.ts";

/** One list. */
export interface RevocationList {
  /** Of the certificates that count no more, as `serialOf` writes them. */
  readonly serials: ReadonlySet<string>;
  /** When the next list should be there, in milliseconds since 1970; undefined when it does not say. */
  readonly nextUpdate: number | undefined;
  /** Whether this authority has signed it. */
  isBy(authority: X509Certificate): boolean;
}

export type ReadLists =
  | { readonly ok: true; readonly lists: readonly RevocationList[] }
  /** What is wrong with the file, without its name. */
  | { readonly ok: false; readonly fault: string };

/** How it is signed: the hash for each algorithm that is known; null where the algorithm has its own. */
const HASHES: Readonly<Record<string, string | null>> = {
  // ecdsa-with-SHA256, 384 and 512 (RFC 5758)
  "2a8648ce3d040302": "sha256",
  "2a8648ce3d040303": "sha384",
  "2a8648ce3d040304": "sha512",
  // sha256, 384 and 512WithRSAEncryption (RFC 4055)
  "2a864886f70d01010b": "sha256",
  "2a864886f70d01010c": "sha384",
  "2a864886f70d01010d": "sha512",
  // Ed25519 (RFC 8410)
  "2b6570": null,
};

const EXTENSIONS_TAG = 0xa0;
/**
 * deltaCRLIndicator, issuingDistributionPoint, and certificateIssuer of an entry: they must be critical,
 * and mean the same where they are not.
 */
const NARROWING: readonly string[] = ["551d1b", "551d1c", "551d1d"];

/**
 * Reads the lists of a file (PEM). Never throws. Some 10 ms for 10,000 certificates.
 *
 * One that covers a part only, adds to another one, or speaks for other authorities, says so in an
 * extension, and is refused: read as a plain one it would let in who is revoked.
 */
export function readLists(text: string): ReadLists {
  const lists: RevocationList[] = [];
  for (const [k, bytes] of pemBlocks(text, "X509 CRL").entries()) {
    try {
      if (bytes === undefined) throw new Error("no base64");
      lists.push(readList(bytes));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { ok: false, fault: `its list ${k + 1} cannot be read: ${reason}` };
    }
  }
  return lists.length === 0
    ? { ok: false, fault: "holds no list of revoked certificates; allowed are CRLs (PEM)" }
    : { ok: true, lists };
}

function readList(bytes: Uint8Array): RevocationList {
  const [signed, algorithm, signature, ...more] = derIn(contentOf(bytes, SEQUENCE));
  if (signed?.tag !== SEQUENCE || algorithm?.tag !== SEQUENCE || more.length > 0) {
    throw new Error("it is no CRL");
  }
  if (signature?.tag !== BIT_STRING || signature.content[0] !== 0) {
    throw new Error("it has no signature");
  }
  const [name] = derIn(algorithm.content);
  const hash = HASHES[hexOf(name?.content ?? new Uint8Array())];
  if (hash === undefined) throw new Error("it is signed in a way that is not known here");
  const { serials, nextUpdate } = readSigned(signed.content, algorithm.whole);
  return {
    serials,
    nextUpdate,
    isBy: ({ publicKey }) => {
      try {
        return verify(hash, signed.whole, publicKey, signature.content.subarray(1));
      } catch {
        // Another kind of key.
        return false;
      }
    },
  };
}

function readSigned(
  signed: Uint8Array,
  algorithm: Uint8Array,
): Pick<RevocationList, "serials" | "nextUpdate"> {
  const fields = [...derIn(signed)];
  // The version is left out of the first one, which has no extensions.
  if (fields[0]?.tag === INTEGER) fields.shift();
  const [inner, issuer, thisUpdate, ...rest] = fields;
  if (inner === undefined || hexOf(inner.whole) !== hexOf(algorithm)) {
    throw new Error("it names two ways of signing");
  }
  if (issuer?.tag !== SEQUENCE || thisUpdate === undefined || timeOf(thisUpdate) === undefined) {
    throw new Error("it has no issuer or no date");
  }
  const nextUpdate = rest[0] && timeOf(rest[0]);
  if (nextUpdate !== undefined) rest.shift();
  const serials = new Set<string>();
  if (rest[0]?.tag === SEQUENCE) {
    for (const { content } of derIn(rest.shift()!.content)) serials.add(readEntry(content));
  }
  const [extensions, ...more] = rest;
  if (more.length > 0) throw new Error("it has more than a CRL has");
  if (extensions !== undefined) {
    if (extensions.tag !== EXTENSIONS_TAG) throw new Error("it has more than a CRL has");
    refuseNarrowing(contentOf(extensions.content, SEQUENCE));
  }
  return { serials, nextUpdate };
}

function readEntry(entry: Uint8Array): string {
  const [serial, date, extensions] = derIn(entry);
  if (serial?.tag !== INTEGER || date === undefined) throw new Error("an entry has no number");
  if (extensions !== undefined) refuseNarrowing(extensions.content);
  return serialOf(hexOf(serial.content));
}

/** No critical extension is known here: with any the list may mean something else. */
function refuseNarrowing(list: Uint8Array): void {
  if (extensionsIn(list).some(({ isCritical, oid }) => isCritical || NARROWING.includes(oid))) {
    throw new Error("it is for a part of the certificates, or for other authorities' too");
  }
}
