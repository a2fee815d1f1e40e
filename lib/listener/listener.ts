/**
 * Where requests come in.
 *
 * @module
 */

import { type Clock, pause, within } from "../clock.ts";
import type { ListenAddress } from "../config/value.ts";
import type { TlsPair } from "../config/secret.ts";
import type { Log } from "../log/log.ts";
import { problem } from "../problem.ts";
import { TlsFront } from "./tls.ts";

/** A socket that serves HTTP or HTTPS. */
export interface Listener {
  readonly url: string;
  /**
   * Takes a new certificate for connections from now on. Without TLS it does nothing.
   *
   * @returns When the older certificate is not given any more; rejects when the pair cannot be used:
   *   the old one stays then.
   */
  reload(pair: TlsPair): Promise<void>;
  /** Stops listening, waits for the responses under way, and cuts what is left at the time-out. */
  stop(timeoutMs: number): Promise<void>;
}

/** Answers one request from the peer with this address. */
export type Handler = (request: Request, peer: string) => Response | Promise<Response>;

export interface ListenOptions {
  readonly tls: TlsPair | undefined;
  readonly tcpBacklog: number;
  /** Others listen there as well, and each gets its part of the connections. */
  readonly isShared: boolean;
  readonly maxConnections: number;
  readonly log: Log;
  readonly clock: Clock;
}

/**
 * Serves HTTP, or HTTPS with a TLS pair.
 *
 * @param address Where; port 0 takes any free one.
 * @param handler Answers each request.
 * @throws When it cannot listen, such as `Deno.errors.AddrInUse`.
 */
export function listen(address: ListenAddress, options: ListenOptions, handler: Handler): Listener {
  const { host, port } = address;
  const { tls } = options;
  return everywhere(host, (hostname) => {
    if (tls === undefined) {
      return listenPlain(
        hostname,
        port,
        options,
        (request, info) => handler(request, info.remoteAddr.hostname),
      );
    }
    return listenTls(hostname, port, tls, options, handler);
  });
}

/** How long no connection is accepted when the runtime has given up on that. */
const PAUSE_MS = 1000;

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

function listenPlain(
  hostname: string,
  port: number,
  { log, clock, tcpBacklog, isShared }: ListenOptions,
  handler: (
    request: Request,
    info: Deno.ServeHandlerInfo<Deno.NetAddr>,
  ) => Response | Promise<Response>,
): Listener {
  const controller = new AbortController();
  const options: Deno.ServeTcpOptions & { tcpBacklog: number } = {
    hostname,
    port,
    tcpBacklog,
    reusePort: isShared,
    signal: controller.signal,
    onListen: () => {},
    onError(error) {
      log.error("a request failed", { error: String(error) });
      return problem(500, "the gateway failed", { "ws2api-outcome": "not-sent" });
    },
  };
  let underWay = 0;
  let onNoneUnderWay = (): void => {};
  let isStopping = false;
  let server = serve(port);
  const address = server.addr;

  function serve(port: number): Deno.HttpServer<Deno.NetAddr> {
    const server = Deno.serve({ ...options, port }, (request, info) => {
      const response = handler(request, info);
      if (response instanceof Response) return response;
      underWay++;
      return response.finally(() => {
        if (--underWay === 0) onNoneUnderWay();
      });
    });
    server.finished.catch((error) => void listenAgain(error));
    return server;
  }

  /**
   * The runtime stops listening when a connection cannot be accepted, as it happens when no file can be
   * opened any more. Those connected are served on.
   */
  async function listenAgain(error: unknown): Promise<void> {
    log.warn("no connection can be accepted, still trying", { error: String(error) });
    while (!isStopping) {
      await pause(clock, PAUSE_MS);
      if (isStopping) return;
      try {
        server = serve(address.port);
        return;
      } catch {
        // Nothing has changed.
      }
    }
  }

  return {
    url: `http://${hostOf(address)}`,
    reload: () => Promise.resolve(),
    async stop(timeoutMs) {
      isStopping = true;
      const answered = new Promise<void>((resolve) => onNoneUnderWay = resolve);
      if (underWay === 0 || await within(clock, answered, timeoutMs)) {
        // Ends when all responses have left; a peer that does not read one is not waited for.
        await within(clock, server.shutdown().catch(() => {}), timeoutMs);
      } else {
        // Not behind a shutdown that has begun: that cannot be aborted any more.
        controller.abort();
        await server.finished.catch(() => {});
      }
    },
  };
}

function listenTls(
  hostname: string,
  port: number,
  pair: TlsPair,
  options: ListenOptions,
  handler: Handler,
): Listener {
  const innerOptions = { ...options, isShared: false };
  const inner = listenPlain("127.0.0.1", 0, innerOptions, (request, info) => {
    const peer = front.peerAt(info.remoteAddr.port);
    // Another program on this machine that found the inner port has no business here.
    return peer === undefined ? problem(403, "TLS is needed") : handler(request, peer);
  });
  const targetPort = Number(new URL(inner.url).port);
  let front: TlsFront;
  try {
    front = new TlsFront({ ...options, hostname, port, pair, targetPort });
  } catch (error) {
    void inner.stop(0);
    throw error;
  }
  return {
    url: `https://${hostOf(front.address)}`,
    reload: (next) => front.reload(next),
    async stop(timeoutMs) {
      await inner.stop(timeoutMs);
      await front.stop();
    },
  };
}

function hostOf({ hostname, port }: Deno.NetAddr): string {
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}
