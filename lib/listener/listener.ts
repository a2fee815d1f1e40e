/**
 * Where requests come in.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { ListenAddress } from "../config/value.ts";
import type { TlsPair } from "../config/secret.ts";
import type { Log } from "../log/log.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { type Handler, HttpServer } from "./http_server.ts";
import type { Place } from "./listening.ts";
import { TlsFront } from "./tls.ts";
import { certificateOf, TlsServer } from "./tls_server.ts";

/** A socket that serves HTTP or HTTPS. */
export interface Listener {
  readonly url: string;
  /**
   * Takes a new certificate for connections from now on. Without TLS it does nothing.
   *
   * @throws When the pair cannot be used: the old one stays then.
   */
  reload(pair: TlsPair): void;
  /** Stops listening, waits for the responses under way, and cuts what is left at the time-out. */
  stop(timeoutMs: number): Promise<void>;
}

export interface ListenOptions {
  readonly tls: TlsPair | undefined;
  /**
   * What makes WebSockets of the connections. The runtime does so of plain TCP alone, so that TLS costs a
   * hop and three open files for each client; for the library a connection with TLS is one like any other.
   * The runtime unless given.
   */
  readonly websocket?: "deno" | "ws";
  readonly tcpBacklog: number;
  /** Others listen there as well, and each gets its part of the connections. */
  readonly isShared: boolean;
  /** Whether one more connection may be held, beside so many that have become no WebSocket. */
  readonly hasRoom: (count: number) => boolean;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "requestsRefused" | "handshakesFailed">;
  readonly clock: Clock;
}

/**
 * Serves HTTP, or HTTPS with a TLS pair.
 *
 * @param address Where; port 0 takes any free one.
 * @param handler Answers each request.
 * @returns Rejects when it cannot listen, such as with `Deno.errors.AddrInUse`.
 */
export async function listen(
  { host, port }: ListenAddress,
  options: ListenOptions,
  handler: Handler,
): Promise<Listener> {
  const { tcpBacklog: backlog, isShared: reusePort } = options;
  const place = { host: hostToListenOn(host), port, backlog, reusePort };
  const { tls, websocket } = options;
  if (tls === undefined) return await listenPlain(place, options, handler);
  return websocket === "ws"
    ? await listenTls(place, tls, options, handler)
    : await listenBehindTls(place, tls, options, handler);
}

/** An empty host is both IPv6 and IPv4, or IPv4 alone where there is no IPv6, as in most containers. */
export function everywhere<T>(host: string, open: (hostname: string) => T): T {
  if (host !== "") return open(host);
  try {
    return open("::");
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) throw error;
    return open("0.0.0.0");
  }
}

/** The host for an empty one. */
function hostToListenOn(host: string): string {
  if (host !== "") return host;
  return everywhere(host, (hostname) => {
    Deno.listen({ hostname, port: 0 }).close();
    return hostname;
  });
}

async function listenPlain(
  place: Place,
  options: ListenOptions,
  handler: Handler,
): Promise<Listener> {
  const server = new HttpServer({ ...options, handler, peerOf: (socket) => socket.remoteAddress });
  try {
    return {
      url: `http://${hostOf(await server.listen(place))}`,
      reload: () => {},
      stop: (timeoutMs) => server.stop(timeoutMs),
    };
  } catch (error) {
    await server.stop(0);
    throw error;
  }
}

async function listenTls(
  place: Place,
  pair: TlsPair,
  options: ListenOptions,
  handler: Handler,
): Promise<Listener> {
  const http = new HttpServer({
    ...options,
    handler,
    peerOf: (socket) => socket.remoteAddress,
    certificateOf: pair.clients && certificateOf,
  });
  let tls: TlsServer | undefined;
  try {
    const server = new TlsServer({ ...options, pair, onSecure: (secure) => http.adopt(secure) });
    tls = server;
    return {
      url: `https://${hostOf(await server.listen(place))}`,
      reload: (next) => server.reload(next),
      async stop(timeoutMs) {
        server.stop();
        await http.stop(timeoutMs);
      },
    };
  } catch (error) {
    tls?.stop();
    await http.stop(0);
    throw error;
  }
}

async function listenBehindTls(
  place: Place,
  pair: TlsPair,
  options: ListenOptions,
  handler: Handler,
): Promise<Listener> {
  const inner = new HttpServer({ ...options, handler, peerOf: (socket) => front?.peerOf(socket) });
  let front: TlsFront | undefined;
  try {
    const { hostname: host, port } = await inner.listen({
      ...place,
      ...{ host: "127.0.0.1", port: 0, reusePort: false },
    });
    front = new TlsFront({ ...options, pair, target: { host, port } });
    const url = `https://${hostOf(await front.listen(place))}`;
    const tls = front;
    return {
      url,
      reload: (next) => tls.reload(next),
      async stop(timeoutMs) {
        await inner.stop(timeoutMs);
        tls.stop();
      },
    };
  } catch (error) {
    front?.stop();
    await inner.stop(0);
    throw error;
  }
}

function hostOf({ hostname, port }: Deno.NetAddr): string {
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}
