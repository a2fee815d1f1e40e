/**
 * Where requests come in.
 *
 * @module
 */

import { type Clock, within } from "./clock.ts";
import type { ListenAddress } from "./config/value.ts";
import type { Log } from "./ops/log.ts";
import { problem } from "./problem.ts";

/** A socket that serves HTTP. */
export interface Listener {
  readonly url: string;
  /** Stops listening, waits for the responses under way, and cuts what is left at the time-out. */
  stop(timeoutMs: number): Promise<void>;
}

/**
 * Serves HTTP.
 *
 * @param address Where; port 0 takes any free one.
 * @param handler Answers each request.
 * @throws What `Deno.serve` throws when it cannot listen, such as `Deno.errors.AddrInUse`.
 */
export function listen(
  address: ListenAddress,
  deps: { readonly log: Log; readonly clock: Clock },
  handler: (
    request: Request,
    info: Deno.ServeHandlerInfo<Deno.NetAddr>,
  ) => Response | Promise<Response>,
): Listener {
  const { log, clock } = deps;
  const controller = new AbortController();
  const serve = (hostname: string): Deno.HttpServer<Deno.NetAddr> =>
    Deno.serve({
      hostname,
      port: address.port,
      signal: controller.signal,
      onListen: () => {},
      onError(error) {
        log.error("a request failed", { error: String(error) });
        return problem(500, "the gateway failed");
      },
    }, handler);
  const server = address.host === "" ? serveEverywhere(serve) : serve(address.host);
  const { hostname, port } = server.addr;
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  return {
    url: `http://${host}:${port}`,
    async stop(timeoutMs) {
      if (!await within(clock, server.shutdown(), timeoutMs)) controller.abort();
      await server.finished;
    },
  };
}

/** Both IPv6 and IPv4; IPv4 alone on a machine without IPv6, as in most containers. */
function serveEverywhere<S>(serve: (hostname: string) => S): S {
  try {
    return serve("::");
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) throw error;
    return serve("0.0.0.0");
  }
}
