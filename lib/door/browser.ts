/**
 * Pages in the browsers of those who reach the gateway: which of them may.
 *
 * A page of any origin may open a WebSocket to any address, and send what it likes; its browser names
 * its origin. A page whose name was pointed at the gateway (DNS rebinding) counts there as the
 * gateway's own; its browser names that name as the Host.
 *
 * @module
 */

import { isIP } from "node:net";
import type { RequestHeaders } from "../request.ts";

/** Why a request may not pass. */
export type Strangeness =
  /** A page of another origin sent it. */
  | "foreign_origin"
  /** It asks for a name, where only this machine reaches the gateway. */
  | "foreign_host";

/** What a person is told. */
export const STRANGENESS_TEXTS = {
  foreign_origin: "a page of another origin may not: without a token only those of --allow-origin",
  foreign_host: "the Host must be localhost or an address: any name may have been pointed here",
} as const satisfies Record<Strangeness, string>;

/** Judges the requests that come to one listener; null for those that may pass. */
export interface BrowserGuard {
  /** A request that a client's side answers. */
  connects(headers: RequestHeaders): Strangeness | null;
  /**
   * A request to the API.
   *
   * @param isOpen Whether it needs no token anywhere.
   */
  uses(headers: RequestHeaders, isOpen: boolean): Strangeness | null;
}

export interface BrowserGuardOptions {
  /** Whether only this machine reaches the listener. */
  readonly isLocal: boolean;
  /** A token is something that no page of another origin has. */
  readonly hasToken: boolean;
  /** Origins as browsers write them, whose pages are meant. */
  readonly allowOrigins: readonly string[];
}

/**
 * Makes the guard of one listener. Pure.
 *
 * - On this machine alone and without a token: each request must ask for localhost or an address, and
 *   must not come from a page of another origin.
 * - Elsewhere without a token: no page of another origin uses the API.
 * - With a token: the token decides.
 */
export function createBrowserGuard(
  { isLocal, hasToken, allowOrigins }: BrowserGuardOptions,
): BrowserGuard {
  const pass = () => null;
  if (hasToken) return { connects: pass, uses: pass };
  const originOf = (headers: RequestHeaders): Strangeness | null =>
    isForeign(headers, allowOrigins) ? "foreign_origin" : null;
  if (!isLocal) {
    return { connects: pass, uses: (headers, isOpen) => isOpen ? null : originOf(headers) };
  }
  const strict = (headers: RequestHeaders): Strangeness | null =>
    isOwnName(headers.get("host")) ? originOf(headers) : "foreign_host";
  return { connects: strict, uses: strict };
}

/** No name is longer (RFC 1035 §2.3.4), and a port adds six characters. */
const MAX_HOST_CHARS = 261;

/** Whether a Host can be no name that somebody has pointed here. Every browser sends one. */
function isOwnName(host: string | null): boolean {
  if (host === null || host === "") return true;
  if (host.length > MAX_HOST_CHARS) return false;
  const [, v6, name = ""] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host) ?? [];
  return v6 === undefined ? name.toLowerCase() === "localhost" || isIP(name) === 4 : isIP(v6) === 6;
}

/** Those of pages, and of libraries that name what they connect to. */
const SCHEMES = ["http:", "https:", "ws:", "wss:"];

/**
 * Browsers name the origin with every upgrade, and with all that changes something or that another
 * origin's page could read (Fetch Standard §3.2).
 */
function isForeign(headers: RequestHeaders, allowOrigins: readonly string[]): boolean {
  const origin = headers.get("origin");
  if (origin === null) return isEmbedded(headers);
  if (allowOrigins.includes(origin)) return false;
  const host = headers.get("host");
  if (host === null || !URL.canParse(origin)) return true;
  const { protocol, host: originHost } = new URL(origin);
  // The scheme's own port may be written or left out.
  const own = `${protocol}//${host}`;
  return !SCHEMES.includes(protocol) || !URL.canParse(own) || new URL(own).host !== originHost;
}

/**
 * Whether another origin's page has this loaded as an image, a script or the like: it cannot read it,
 * and could take the places of those who look. A link that somebody follows is no such thing.
 */
function isEmbedded(headers: RequestHeaders): boolean {
  // Fetch Metadata §2; only browsers send it.
  const site = headers.get("sec-fetch-site");
  return (site === "cross-site" || site === "same-site") &&
    headers.get("sec-fetch-mode") !== "navigate";
}
