/**
 * Who may sign certificates of clients, and which of these are revoked.
 *
 * @module
 */

import { X509Certificate } from "node:crypto";
import { readLists, type RevocationList } from "./crl.ts";
import { pemBlocks } from "./pem.ts";

/** The contents of the files of `--client-ca` and `--client-crl`, PEM. */
export interface ClientCaFiles {
  readonly ca: string;
  /** Undefined without `--client-crl`. */
  readonly crl: string | undefined;
}

/** One who may sign. */
export interface Authority {
  readonly certificate: X509Certificate;
  /** Its lists of those that it has revoked; none where none was given. */
  readonly lists: readonly RevocationList[];
}

export type ReadAuthorities =
  | { readonly ok: true; readonly authorities: readonly Authority[] }
  | {
    readonly ok: false;
    readonly flag: "client-ca" | "client-crl";
    /** What is wrong with its file, without its name. */
    readonly fault: string;
  };

/**
 * Reads who may sign. Never throws.
 *
 * A list counts for the authority whose key has signed it; one that none has signed is a fault.
 */
export function readAuthorities({ ca, crl }: ClientCaFiles): ReadAuthorities {
  const certificates: X509Certificate[] = [];
  for (const [k, bytes] of pemBlocks(ca, "CERTIFICATE").entries()) {
    const certificate = bytes && certificateOf(bytes);
    if (certificate === undefined) {
      return { ok: false, flag: "client-ca", fault: `its certificate ${k + 1} cannot be read` };
    }
    if (!certificate.ca) {
      const fault = `its certificate ${k + 1} is not that of an authority (CA:TRUE)`;
      return { ok: false, flag: "client-ca", fault };
    }
    certificates.push(certificate);
  }
  if (certificates.length === 0) {
    const fault = "holds no certificate; allowed are certificates of CAs (PEM)";
    return { ok: false, flag: "client-ca", fault };
  }
  if (crl === undefined) {
    return {
      ok: true,
      authorities: certificates.map((each) => ({ certificate: each, lists: [] })),
    };
  }
  const read = readLists(crl);
  if (!read.ok) return { ok: false, flag: "client-crl", fault: read.fault };
  const authorities = certificates.map((certificate) => ({
    certificate,
    lists: read.lists.filter((list) => list.isBy(certificate)),
  }));
  const strange = read.lists.findIndex((list) =>
    !authorities.some(({ lists }) => lists.includes(list))
  );
  if (strange >= 0) {
    const fault = `its list ${strange + 1} is signed by none of the CAs of --client-ca`;
    return { ok: false, flag: "client-crl", fault };
  }
  return { ok: true, authorities };
}

/** When the first of the lists should have been replaced; undefined when none says. */
export function nextUpdateOf(authorities: readonly Authority[]): number | undefined {
  const times = authorities.flatMap(({ lists }) => lists.map(({ nextUpdate }) => nextUpdate))
    .filter((time) => time !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}

function certificateOf(bytes: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(bytes);
  } catch {
    return undefined;
  }
}
