/**
 * A port for listeners that share it.
 *
 * @module
 */

import type { ListenAddress } from "../config/value.ts";
import { everywhere } from "./listener.ts";

/** A port that nobody else can have. */
export interface Reserved {
  /** Where it is; never port 0. */
  readonly address: ListenAddress;
  /** Lets go of it. Only from now on it can be listened on, by anybody. */
  release(): void;
}

/**
 * Takes a port, alone: those who share a port cannot see that another program has it too.
 *
 * @param address Where; port 0 takes any free one.
 * @param isShared Whether other programs may have it too: then a port that is named is not taken.
 * @throws When it cannot be had, such as `Deno.errors.AddrInUse`.
 */
export function reserve({ host, port }: ListenAddress, isShared: boolean): Reserved {
  if (isShared && port !== 0) return { address: { host, port }, release: () => {} };
  const listener = everywhere(host, (hostname) => Deno.listen({ hostname, port }));
  const address = { host, port: (listener.addr as Deno.NetAddr).port };
  return { address, release: () => listener.close() };
}
