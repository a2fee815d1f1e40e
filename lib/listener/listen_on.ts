/**
 * Listening on a TCP port.
 *
 * @module
 */

import type { Server } from "node:net";
import type { Log } from "../log/log.ts";

/** Where a server listens. */
export interface Place {
  /** An address or a name, without brackets. */
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly backlog: number;
  /** Whether others listen there as well. */
  readonly reusePort: boolean;
}

/**
 * Has a server listen.
 *
 * @returns Where it listens; rejects when it cannot, such as with `Deno.errors.AddrInUse`.
 */
export async function listenOn(server: Server, place: Place, log: Log): Promise<Deno.NetAddr> {
  const { host: hostname, port, reusePort } = place;
  // Its errors have the names that the rest of the program knows; those of `node:net` are codes.
  Deno.listen({ hostname, port, reusePort }).close();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(place, () => {
      server.off("error", reject);
      resolve();
    });
  });
  // Such as no file left for a connection.
  server.on("error", (error) => {
    log.warn("no connection can be accepted, still trying", { error: String(error) });
  });
  const { address, port: got } = server.address() as { address: string; port: number };
  return { transport: "tcp", hostname: address, port: got };
}
