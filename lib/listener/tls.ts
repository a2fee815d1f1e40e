/**
 * TLS before a plain HTTP server in the same process.
 *
 * @module
 */

import { type Clock, within } from "../clock.ts";
import type { TlsPair } from "../config/secret.ts";
import type { Log } from "../log/log.ts";

export interface TlsFrontOptions {
  /** Address without brackets; port 0 takes any free one. */
  readonly hostname: string;
  readonly port: number;
  readonly pair: TlsPair;
  /** Other fronts of this process listen there as well. */
  readonly isShared: boolean;
  /** The loopback port of the plain server. */
  readonly targetPort: number;
  /** Connections carried at once; more are closed at once. */
  readonly maxConnections: number;
  readonly tcpBacklog: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** How long a TLS handshake may take. */
const HANDSHAKE_MS = 10_000;
const BUFFER_BYTES = 8192;

/**
 * Accepts TLS connections and carries each one's bytes to the plain server.
 *
 * `Deno.serve` takes a certificate, but never a new one, and its `shutdown` closes the WebSockets that
 * came through it. This keeps the connections and the listening socket apart, so a new certificate
 * costs no client its connection. It is one more hop for each byte: where that counts, let a proxy
 * end TLS.
 */
export class TlsFront {
  readonly #options: TlsFrontOptions;
  /** Clients' addresses by the local port on which their bytes reach the plain server. */
  readonly #peers = new Map<number, string>();
  readonly #connections = new Set<Deno.Conn>();
  #listener: Deno.TlsListener;
  /** Resolves when the listener in use accepts no more. */
  #stopped: Promise<void>;
  readonly #carrying = new Set<Promise<void>>();

  /** @throws When the address cannot be listened on or the pair cannot be used. */
  constructor(options: TlsFrontOptions) {
    this.#options = options;
    const { hostname, port, isShared } = options;
    // With reusePort a port that another gateway has would be shared with it in silence.
    if (port !== 0 && !isShared) Deno.listen({ hostname, port }).close();
    this.#listener = this.#listen(options.port, options.pair);
    this.#stopped = this.#accept(this.#listener);
  }

  get address(): Deno.NetAddr {
    return this.#listener.addr as Deno.NetAddr;
  }

  /** The address of the client whose bytes come from this loopback port; undefined for a stranger. */
  peerAt(port: number): string | undefined {
    return this.#peers.get(port);
  }

  /**
   * Takes a new certificate for connections from now on; those that are open stay. One that comes in
   * the very moment may be refused, and has to connect again.
   *
   * @returns When the older certificate is not given any more.
   * @throws When the pair cannot be used; the old one stays then.
   */
  async reload(pair: TlsPair): Promise<void> {
    const older = this.#listener;
    const stopped = this.#stopped;
    this.#listener = this.#listen(this.address.port, pair);
    this.#stopped = this.#accept(this.#listener);
    older.close();
    await stopped;
  }

  /** Stops accepting and cuts what is open. */
  async stop(): Promise<void> {
    this.#listener.close();
    for (const conn of this.#connections) shut(conn);
    await this.#stopped;
    await Promise.all(this.#carrying);
  }

  #listen(port: number, { cert, key }: TlsPair): Deno.TlsListener {
    const { hostname, tcpBacklog } = this.#options;
    // reusePort lets the next listener begin before this one ends.
    const options = { hostname, port, cert, key, reusePort: true, tcpBacklog };
    return Deno.listenTls(options);
  }

  async #accept(listener: Deno.TlsListener): Promise<void> {
    while (true) {
      let conn: Deno.TlsConn;
      try {
        conn = await listener.accept();
      } catch (error) {
        if (error instanceof Deno.errors.BadResource) break;
        // One client's failure, or no file left for it.
        this.#options.log.warn("tls connection not accepted", { error: String(error) });
        await new Promise((resolve) => this.#options.clock.setTimeout(() => resolve(null), 10));
        continue;
      }
      const carried = this.#carry(conn).finally(() => this.#carrying.delete(carried));
      this.#carrying.add(carried);
    }
  }

  /** Never rejects. */
  async #carry(client: Deno.TlsConn): Promise<void> {
    const { maxConnections, targetPort, clock } = this.#options;
    this.#connections.add(client);
    let inner: Deno.TcpConn | undefined;
    let port = 0;
    try {
      if (this.#connections.size > 2 * maxConnections) return;
      const handshake = client.handshake();
      handshake.catch(() => {});
      if (!await within(clock, handshake, HANDSHAKE_MS)) return;
      inner = await Deno.connect({ hostname: "127.0.0.1", port: targetPort });
      inner.setNoDelay();
      this.#connections.add(inner);
      port = inner.localAddr.port;
      this.#peers.set(port, client.remoteAddr.hostname);
      await Promise.all([pump(client, inner), pump(inner, client)]);
    } catch {
      // The handshake failed or one side broke: both end.
    } finally {
      this.#peers.delete(port);
      for (const conn of [client, inner]) {
        if (conn === undefined) continue;
        this.#connections.delete(conn);
        shut(conn);
      }
    }
  }
}

/** Carries bytes until the source ends, then ends the target; rejects when either breaks. */
async function pump(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(BUFFER_BYTES);
  try {
    for (let n = await from.read(buffer); n !== null; n = await from.read(buffer)) {
      for (let at = 0; at < n;) at += await to.write(buffer.subarray(at, n));
    }
  } finally {
    // Neither HTTP/1.1 nor WebSocket goes on after one side's end.
    shut(to);
  }
}

function shut(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch {
    // Closed already.
  }
}
