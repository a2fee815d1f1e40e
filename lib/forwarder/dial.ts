/**
 * Connecting to the backend.
 *
 * @module
 */

import type { Clock } from "../clock.ts";

/** Where the backend is, taken apart once. */
export interface BackendAddress {
  readonly target:
    | { readonly kind: "tcp" | "tls"; readonly hostname: string; readonly port: number }
    | { readonly kind: "unix"; readonly path: string };
  /** The Host header. */
  readonly host: string;
  /** Begins and ends with a slash. */
  readonly basePath: string;
}

/**
 * The address in a base URL.
 *
 * @param backend `http://…/`, `https://…/` or `unix:/path/of.socket`, valid.
 */
export function backendAddress(backend: string): BackendAddress {
  if (backend.startsWith("unix:")) {
    const path = backend.slice("unix:".length);
    return { target: { kind: "unix", path }, host: "localhost", basePath: "/" };
  }
  const url = new URL(backend);
  const isTls = url.protocol === "https:";
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port === "" ? (isTls ? 443 : 80) : Number(url.port);
  return {
    target: { kind: isTls ? "tls" : "tcp", hostname, port },
    host: url.host,
    basePath: url.pathname,
  };
}

export interface DialOptions {
  /** For all of it: the name's addresses, connecting, the TLS handshake. */
  readonly timeoutMs: number;
  /** Gives up when it aborts. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Certificates (PEM) that are trusted beside the runtime's own. */
  readonly caCerts?: readonly string[] | undefined;
  /** Told why it cannot be reached, in the system's words. */
  readonly onFailure?: (reason: string) => void;
}

/**
 * Connects. Of a name with several addresses the runtime tries one after the other, IPv6 and IPv4 in
 * turn (RFC 8305).
 *
 * @returns Undefined when it cannot be reached, whatever the reason. Never rejects.
 */
export async function dial(
  { target }: BackendAddress,
  { timeoutMs, signal, clock, caCerts, onFailure }: DialOptions,
): Promise<Deno.Conn | undefined> {
  // An abort that was earlier would never be told.
  if (signal.aborted) return undefined;
  const late = new AbortController();
  const timer = clock.setTimeout(() => late.abort(), timeoutMs);
  const giveUp = () => late.abort();
  signal.addEventListener("abort", giveUp);
  try {
    // Deno.connect to a socket file takes no signal, and needs none: it waits for nobody.
    if (target.kind === "unix") return await Deno.connect({ transport: "unix", path: target.path });
    const { kind, hostname, port } = target;
    const conn = await Deno.connect({ hostname, port, signal: late.signal });
    if (late.signal.aborted) {
      // It opened in the moment of the abort.
      conn.close();
      return undefined;
    }
    conn.setNoDelay(true);
    return kind === "tcp" ? conn : await secured(conn, hostname, late.signal, caCerts);
  } catch (error) {
    onFailure?.(error instanceof Error ? error.message : String(error));
    return undefined;
  } finally {
    clock.clearTimeout(timer);
    signal.removeEventListener("abort", giveUp);
  }
}

/**
 * The same connection with TLS on it.
 *
 * Until its handshake is done, and while something written has not left, the runtime keeps a TLS
 * connection that is closed open until the other end acts. A backend that accepts and stays silent
 * can so hold sockets; this is why `--forwarder auto` leaves https to `fetch`.
 */
async function secured(
  conn: Deno.TcpConn,
  hostname: string,
  signal: AbortSignal,
  caCerts: readonly string[] = [],
): Promise<Deno.TlsConn> {
  const options = { hostname, caCerts: [...caCerts], alpnProtocols: ["http/1.1"] };
  const secure = await Deno.startTls(conn, options);
  if (signal.aborted) {
    secure.close();
    throw signal.reason;
  }
  const cut = () => secure.close();
  signal.addEventListener("abort", cut);
  try {
    await secure.handshake();
    return secure;
  } catch (error) {
    if (!signal.aborted) secure.close();
    throw error;
  } finally {
    signal.removeEventListener("abort", cut);
  }
}
