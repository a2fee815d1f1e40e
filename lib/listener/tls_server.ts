/**
 * TLS connections, from the handshake on.
 *
 * @module
 */

import { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { Clock } from "../clock.ts";
import type { TlsPair } from "../config/secret.ts";
import type { Log } from "../log/log.ts";
import type { HandshakeReason } from "../metrics/labels.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { type CertificateFault, ClientTrust, NO_CERTIFICATE } from "./client_trust.ts";
import { Listening, type Place } from "./listening.ts";
import { Unfinished } from "./unfinished.ts";

export interface TlsServerOptions {
  readonly pair: TlsPair;
  /**
   * Takes over a connection whose handshake is done.
   *
   * @param socket The one below TLS.
   */
  readonly onSecure: (secure: TLSSocket, socket: Socket) => void;
  /** Whether one more connection may be held, beside so many whose handshake is not done. */
  readonly hasRoom: (count: number) => boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "handshakesFailed">;
}

/** How long a TLS handshake may take. */
const HANDSHAKE_MS = 10_000;
/** The runtime does not tell these apart. */
const NOT_VALID =
  "the certificate is of another authority, has expired, is not valid yet, or is not for clients";
/** More fit into no handshake: the runtime takes 64 KiB of them. */
const MAX_SHOWN = 1000;

/**
 * Accepts TLS connections, asks for clients' certificates where it is told who may sign them, and hands
 * over each connection whose handshake has succeeded. Owns those whose handshake is not done.
 */
export class TlsServer {
  readonly #options: TlsServerOptions;
  readonly #listening: Listening;
  #pair: TlsPair;
  #trust: ClientTrust | undefined;
  readonly #fresh: Unfinished;

  /** @throws When the pair cannot be used. */
  constructor(options: TlsServerOptions) {
    this.#options = options;
    checkPair(options.pair);
    this.#fresh = new Unfinished(options.clock, HANDSHAKE_MS, (socket, address) => {
      this.#failed(socket as Socket, address, "timeout", "no handshake in 10 s");
    });
    this.#pair = options.pair;
    this.#trust = trustOf(options.pair);
    this.#listening = new Listening(() => this.#create(), options.clock, options.log);
  }

  /** Begins to listen; rejects when it cannot. */
  listen(place: Place): Promise<Deno.NetAddr> {
    return this.#listening.start(place);
  }

  /**
   * Takes a new certificate, and who may sign those of clients, for connections from now on; those that are
   * open stay. Clients are asked for certificates, or are not, as they were before.
   *
   * @throws When the pair cannot be used; the old one stays then.
   */
  reload(pair: TlsPair): void {
    checkPair(pair);
    this.#trust = trustOf(pair);
    this.#pair = pair;
    (this.#listening.server as Server | undefined)?.setSecureContext(contextOf(pair));
  }

  /** Stops accepting and cuts those whose handshake is not done. */
  stop(): void {
    this.#listening.stop();
    this.#fresh.cutAll();
    this.#fresh.stop();
  }

  #create(): Server {
    const asks = this.#trust === undefined ? {} : { requestCert: true, rejectUnauthorized: true };
    return createServer({ ...contextOf(this.#pair), ...asks })
      .on("connection", (socket: Socket) => this.#accept(socket))
      .on("secureConnection", (secure) => this.#secure(secure))
      .on("tlsClientError", (error, secure) => {
        const fault = this.#faultAtEnd(error, secure);
        const socket = socketBelow(secure);
        if (socket !== undefined) this.#over(socket, fault.cause, fault.error);
        secure.destroy();
      });
  }

  #accept(socket: Socket): void {
    const hasPlace = this.#options.hasRoom(this.#fresh.size) || this.#fresh.makeRoom();
    if (!hasPlace) return void socket.destroy();
    this.#fresh.enter(socket, socket.remoteAddress ?? "");
  }

  #secure(secure: TLSSocket): void {
    const socket = socketBelow(secure);
    // It has gone in this very moment.
    if (socket === undefined || socket.destroyed) return void secure.destroy();
    const fault = this.#trust && this.#faultOf(secure, this.#trust);
    if (fault !== undefined) {
      this.#over(socket, fault.cause, fault.error);
      secure.on("error", () => {}).destroy();
      return void socket.destroy();
    }
    this.#fresh.leave(socket);
    // A peer may end its side behind its request, as it may without TLS; but not within the handshake.
    secure.allowHalfOpen = true;
    this.#options.onSecure(secure, socket);
  }

  #faultOf(secure: TLSSocket, trust: ClientTrust): CertificateFault | undefined {
    const chain = chainOf(secure);
    const fault = trust.faultOf(chain, secure.isSessionReused(), this.#options.clock.wallNow());
    // The runtime hands over a session without a certificate too, when it was taken up again.
    if (fault !== undefined || secure.authorized) return fault;
    return { cause: "bad_certificate", error: `${NOT_VALID} (${secure.authorizationError})` };
  }

  /** Why the runtime has ended a handshake. */
  #faultAtEnd(
    error: Error & { code?: string },
    secure: TLSSocket,
  ): { cause: HandshakeReason; error: string } {
    if (this.#trust !== undefined) {
      if (error.code === NONE_SHOWN) return NO_CERTIFICATE;
      const { authorizationError: code } = secure as { authorizationError?: unknown };
      if (typeof code === "string") {
        return { cause: "bad_certificate", error: `${NOT_VALID} (${code})` };
      }
    }
    return { cause: reasonOf(error), error: error.message };
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
}

/** The certificate that a client showed (DER); undefined for none. */
export function certificateOf(secure: Socket): Uint8Array | undefined {
  return chainOf(secure as TLSSocket)[0];
}

/** A certificate as the runtime tells of it; empty for none. */
interface Link {
  readonly raw?: Uint8Array;
  readonly issuerCertificate?: Link;
}

/** The certificates that a client showed, its own first. */
function chainOf(secure: TLSSocket): Uint8Array[] {
  const chain: Uint8Array[] = [];
  let next: Link | undefined = secure.getPeerCertificate(true) ?? undefined;
  while (next?.raw !== undefined && chain.length < MAX_SHOWN) {
    chain.push(next.raw);
    const issuer: Link | undefined = next.issuerCertificate;
    // One that signs itself leads to itself.
    next = issuer === next ? undefined : issuer;
  }
  return chain;
}

/** By the runtime's own name, as Node has it: a TLS socket that has ended knows no address. */
function socketBelow(secure: TLSSocket): Socket | undefined {
  const socket: unknown = Reflect.get(secure, "_parent");
  return socket instanceof Socket ? socket : undefined;
}

function contextOf({ cert, key, clients }: TlsPair): { cert: string; key: string; ca?: string } {
  return { cert, key, ...(clients && { ca: clients.ca }) };
}

function trustOf({ clients }: TlsPair): ClientTrust | undefined {
  return clients && new ClientTrust(clients);
}

/**
 * Throws when TLS cannot be served with a pair: `node:tls` takes any, and fails at the first handshake.
 */
export function checkPair({ cert, key, clients }: TlsPair): void {
  Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key }).close();
  // The same reader as the one that looks at clients' certificates.
  if (clients !== undefined) Deno.createHttpClient({ caCerts: [clients.ca] }).close();
}

/** A client that was asked for a certificate has shown none. */
const NONE_SHOWN = "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE";

/** The runtime's TLS tells in words what it found, and by codes of OpenSSL what that is closest to. */
function reasonOf({ code, message }: Error & { code?: string }): HandshakeReason {
  if (code === "ECONNRESET") return "broken";
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER") return "not_tls";
  if (message.startsWith("peer is incompatible")) return "no_common";
  return message.startsWith("received fatal alert") ? "client" : "other";
}
