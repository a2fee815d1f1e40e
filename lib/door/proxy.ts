/**
 * What a proxy in front says of a client. Whoever reaches the gateway can say it: it counts only from
 * a peer that is to be believed.
 *
 * @module
 */

import { isIP } from "node:net";
import { readForwardedFor } from "../codec/forwarded.ts";
import { type ClientCertificate, readClientCertificate, toldOf } from "./client_certificate.ts";

/** A request's headers as far as its peer is to be believed; null when it is not. */
export type Believed = Pick<Headers, "get"> | null;

/** Longest address believed: an IPv6 address takes 45, and its scope may have any length. */
const MAX_ADDRESS_CHARS = 64;
/** Beside it brackets and a port. */
const MAX_NODE_CHARS = MAX_ADDRESS_CHARS + 8;

/**
 * The client's address: the last one that the trusted peer named, or the peer's own.
 *
 * The last, because that is the one which the peer has seen itself; whatever stands before it may
 * come from the client. Some proxies add the client's port (RFC 7239 §6), which says nothing here.
 *
 * @param peer The address at the other end of the socket.
 * @param headers They name it in X-Forwarded-For or, without that, in Forwarded.
 */
export function addressOf(peer: string, headers: Believed): string {
  const address = headers === null ? peer : addressIn(nodeIn(headers)) ?? peer;
  // A socket that listens on [::] shows IPv4 peers in this form.
  return address.startsWith("::ffff:") && isIP(address.slice(7)) === 4 ? address.slice(7) : address;
}

/** Who is named; the older header counts where both are there. */
function nodeIn(headers: Pick<Headers, "get">): string | undefined {
  const list = headers.get("x-forwarded-for");
  if (list !== null) return list.slice(list.lastIndexOf(",") + 1).trim();
  const forwarded = headers.get("forwarded");
  return forwarded === null ? undefined : readForwardedFor(forwarded);
}

/** An address with nothing else, in brackets, or with a port, which may be a made-up name. */
const NODE = /^(?:\[([^\]]*)\]|([\d.]+))(?::(?:(\d{1,5})|_[\w.-]+))?$/;

function addressIn(node: string | undefined): string | undefined {
  if (node === undefined || node.length > MAX_NODE_CHARS) return undefined;
  const [, v6, v4 = "", port = "0"] = NODE.exec(node) ?? [];
  const address = v6 ?? (v4 === "" ? node : v4);
  const isAddress = v6 === undefined ? isIP(address) !== 0 : isIP(v6) === 6;
  return isAddress && address.length <= MAX_ADDRESS_CHARS && Number(port) <= 65_535
    ? address
    : undefined;
}

/**
 * Whether the client itself came by TLS.
 *
 * @param isTls Whether the socket here has TLS: that counts when the peer says nothing.
 * @param headers They say it in X-Forwarded-Proto, of which the last word counts.
 */
export function tlsOf(isTls: boolean, headers: Believed): boolean {
  const protocols = headers?.get("x-forwarded-proto") ?? null;
  if (protocols === null) return isTls;
  const last = protocols.slice(protocols.lastIndexOf(",") + 1).trim().toLowerCase();
  return last === "https" || last === "wss";
}

/**
 * The certificate that the client showed.
 *
 * @param headers They have it in Client-Cert.
 * @param own The one that was shown in the handshake of TLS here (DER), which counts where there is one:
 * who shows it holds its key.
 * @returns Null for none; undefined when what is there cannot be read.
 */
export function certificateOf(
  headers: Believed,
  own?: Uint8Array,
): ClientCertificate | null | undefined {
  if (own !== undefined) return toldOf(own);
  const header = headers?.get("client-cert") ?? null;
  return header === null ? null : readClientCertificate(header);
}
