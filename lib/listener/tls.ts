/**
 * TLS before a plain HTTP server in the same process.
 *
 * @module
 */

import { connect, Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { Clock } from "../clock.ts";
import type { TlsPair } from "../config/secret.ts";
import type { Log } from "../log/log.ts";
import type { HandshakeReason } from "../metrics/labels.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { Listening, type Place } from "./listening.ts";
import { Unfinished } from "./unfinished.ts";

export interface TlsFrontOptions {
  readonly pair: TlsPair;
  /** Where the plain server listens. */
  readonly target: { readonly host: string; readonly port: number };
  /** Whether one more connection may be held, beside so many that are held here. */
  readonly hasRoom: (count: number) => boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "handshakesFailed">;
}

/** How long a TLS handshake may take. */
const HANDSHAKE_MS = 10_000;

/**
 * Accepts TLS connections and carries each one's bytes to the plain server.
 *
 * The runtime makes WebSockets of plain TCP connections alone. It is one more hop for each byte:
 * where that counts, let a proxy end TLS.
 */
export class TlsFront {
  readonly #options: TlsFrontOptions;
  readonly #listening: Listening;
  #pair: TlsPair;
  /** Clients' addresses by the loopback place from which their bytes reach the plain server. */
  readonly #peers = new Map<string, string>();
  /** Clients' sockets, below TLS, by the place from which they come. */
  readonly #sockets = new Map<string, Socket>();
  /** Those whose handshake is not done. */
  readonly #fresh: Unfinished;

  /** @throws When the pair cannot be used. */
  constructor(options: TlsFrontOptions) {
    this.#options = options;
    checkPair(options.pair);
    this.#fresh = new Unfinished(options.clock, HANDSHAKE_MS, (socket, address) => {
      this.#failed(socket as Socket, address, "timeout", "no handshake in 10 s");
    });
    this.#pair = options.pair;
    this.#listening = new Listening(() => this.#create(), options.clock, options.log);
  }

  /** Begins to listen; rejects when it cannot. */
  listen(place: Place): Promise<Deno.NetAddr> {
    return this.#listening.start(place);
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
    checkPair(pair);
    this.#pair = pair;
    (this.#listening.server as Server | undefined)?.setSecureContext({ ...pair });
  }

  /** Stops accepting and cuts what is open. */
  stop(): void {
    this.#listening.stop();
    this.#fresh.stop();
    for (const socket of this.#sockets.values()) socket.destroy();
  }

  #create(): Server {
    return createServer({ ...this.#pair })
      .on("connection", (socket: Socket) => this.#accept(socket))
      .on("secureConnection", (secure) => this.#carry(secure))
      .on("tlsClientError", (error, secure) => {
        // By the runtime's own name, as Node has it: the TLS socket itself knows no address by then.
        const socket: unknown = Reflect.get(secure, "_parent");
        if (socket instanceof Socket) this.#over(socket, reasonOf(error), error.message);
        secure.destroy();
      });
  }

  /** A handshake has come to its end, unless it had before. */
  #over(socket: Socket, reason: HandshakeReason, error: string): void {
    const address = this.#fresh.leave(socket);
    if (address !== undefined) this.#failed(socket, address, reason, error);
  }

  #failed(socket: Socket, remoteAddress: string, cause: HandshakeReason, error: string): void {
    // Who sends nothing has begun none: a proxy that looks whether somebody listens here.
    if (socket.bytesRead === 0) return;
    const { metrics, log } = this.#options;
    metrics.handshakesFailed[cause].add(1);
    log.warn("TLS handshake failed", { remoteAddress, cause, error });
  }

  #accept(socket: Socket): void {
    const hasPlace = this.#options.hasRoom(this.#fresh.size) || this.#fresh.makeRoom();
    if (!hasPlace) return void socket.destroy();
    const place = placeOf(socket);
    this.#sockets.set(place, socket);
    this.#fresh.enter(socket, socket.remoteAddress ?? "");
    socket.once("close", () => {
      this.#sockets.delete(place);
      this.#over(socket, "broken", "the client has gone");
    });
  }

  #carry(secure: TLSSocket): void {
    const socket = this.#sockets.get(placeOf(secure));
    // It has gone in this very moment.
    if (socket === undefined) return void secure.destroy();
    this.#fresh.leave(socket);
    const inner = connect(this.#options.target);
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
      inner.destroy();
      // With the TLS socket alone the runtime would wait for what its peer has not taken.
      socket.destroy();
    };
    for (const each of [secure, inner]) each.once("error", end).once("close", end);
  }
}

function placeOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}:${remotePort}`;
}

/**
 * Throws when TLS cannot be served with a pair: `node:tls` takes any, and fails at the first handshake.
 */
export function checkPair(pair: TlsPair): void {
  Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...pair }).close();
}

/** The runtime's TLS tells in words what it found, and by codes of OpenSSL what that is closest to. */
function reasonOf({ code, message }: Error & { code?: string }): HandshakeReason {
  if (code === "ECONNRESET") return "broken";
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER") return "not_tls";
  if (message.startsWith("peer is incompatible")) return "no_common";
  return message.startsWith("received fatal alert") ? "client" : "other";
}
