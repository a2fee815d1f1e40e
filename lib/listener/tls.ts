/**
 * TLS before a plain HTTP server in the same process.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Clock } from "../clock.ts";
import type { TlsPair } from "../config/secret.ts";
import type { Place } from "./listening.ts";
import { TlsServer, type TlsServerOptions } from "./tls_server.ts";

export interface TlsFrontOptions extends Omit<TlsServerOptions, "onSecure"> {
  /** Where the plain server listens. */
  readonly target: { readonly host: string; readonly port: number };
}

/** How long a client may take what is left of an answer. */
const TAKE_MS = 10_000;

/**
 * Accepts TLS connections and carries each one's bytes to the plain server.
 *
 * The runtime makes WebSockets of plain TCP connections alone. It is one more hop for each byte:
 * where that counts, let a proxy end TLS, or take the other WebSockets.
 */
export class TlsFront {
  readonly #server: TlsServer;
  readonly #clock: Clock;
  readonly #target: TlsFrontOptions["target"];
  /** Clients' addresses by the loopback place from which their bytes reach the plain server. */
  readonly #peers = new Map<string, string>();
  /** Clients' sockets, below TLS. */
  readonly #sockets = new Set<Socket>();

  /** @throws When the pair cannot be used. */
  constructor(options: TlsFrontOptions) {
    this.#target = options.target;
    this.#clock = options.clock;
    const onSecure = (secure: TLSSocket, socket: Socket): void => this.#carry(secure, socket);
    this.#server = new TlsServer({ ...options, onSecure });
  }

  /** Begins to listen; rejects when it cannot. */
  listen(place: Place): Promise<Deno.NetAddr> {
    return this.#server.listen(place);
  }

  /** The address of the client whose bytes come in on this connection; undefined for a stranger's. */
  peerOf(socket: Socket): string | undefined {
    return this.#peers.get(placeOf(socket));
  }

  /**
   * Takes a new certificate for connections from now on; those that are open stay.
   *
   * @throws When the pair cannot be used; the old one stays then.
   */
  reload(pair: TlsPair): void {
    this.#server.reload(pair);
  }

  /** Stops accepting and cuts what is open. */
  stop(): void {
    this.#server.stop();
    for (const socket of this.#sockets) socket.destroy();
  }

  #carry(secure: TLSSocket, socket: Socket): void {
    this.#sockets.add(socket);
    const inner = connect(this.#target);
    let place = "";
    inner.once("connect", () => {
      // Not the port alone: another program may have the same one at another loopback address.
      place = `${inner.localAddress}:${inner.localPort}`;
      this.#peers.set(place, secure.remoteAddress ?? "");
      inner.setNoDelay(true);
      secure.pipe(inner).pipe(secure);
    });
    const end = (): void => {
      this.#peers.delete(place);
      this.#sockets.delete(socket);
      inner.destroy();
      // With the TLS socket alone the runtime would wait for what its peer has not taken.
      socket.destroy();
    };
    for (const each of [secure, inner]) each.once("error", end);
    secure.once("close", end);
    inner.once("close", () => {
      // What the client has not taken of an answer that came whole is behind this end.
      if (!inner.readableEnded || secure.writableFinished) return end();
      const timer = this.#clock.setTimeout(end, TAKE_MS);
      secure.once("finish", end).once("close", () => this.#clock.clearTimeout(timer));
    });
  }
}

function placeOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}:${remotePort}`;
}
