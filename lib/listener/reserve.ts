/**
 * A port for listeners that share it.
 *
 * @module
 */

import type { ListenAddress } from "../config/value.ts";
import { everywhere } from "./listener.ts";

/** A port that is kept for listeners to come. */
export interface Reserved {
  /** Where it is; never port 0. */
  readonly address: ListenAddress;
  /** Right before they listen: only from now on they can. */
  makeWay(): void;
  /** When they listen, or never will. */
  release(): void;
}

/** Nobody is that often unlucky: so many others would have to take a port at the same moment. */
const MAX_TRIES = 10;

/**
 * Takes a port for listeners that share it. One that is named is taken alone, since those who share a
 * port cannot see that another program has it too. Any free one is shared from the beginning: nobody
 * knows of it yet, so no connection comes, and nobody can take it in between.
 *
 * @param address Where; port 0 takes any free one.
 * @param isShared Whether other programs may have it too: then a port that is named is not taken.
 * @throws When it cannot be had, such as `Deno.errors.AddrInUse`.
 */
export function reserve({ host, port }: ListenAddress, isShared: boolean): Reserved {
  const nothing = (): void => {};
  if (port === 0) {
    const listener = takeAny(host);
    const address = { host, port: portOf(listener) };
    return { address, makeWay: nothing, release: () => listener.close() };
  }
  const address = { host, port };
  if (isShared) return { address, makeWay: nothing, release: nothing };
  const listener = everywhere(host, (hostname) => Deno.listen({ hostname, port }));
  let isTaken = true;
  const makeWay = (): void => {
    if (isTaken) listener.close();
    isTaken = false;
  };
  return { address, makeWay, release: makeWay };
}

/** A free port, found by taking it alone, and shared from then on. */
function takeAny(host: string): Deno.Listener {
  for (let tries = 1;; tries++) {
    const alone = everywhere(host, (hostname) => Deno.listen({ hostname, port: 0 }));
    const port = portOf(alone);
    alone.close();
    try {
      return everywhere(host, (hostname) => Deno.listen({ hostname, port, reusePort: true }));
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse) || tries === MAX_TRIES) throw error;
    }
  }
}

function portOf(listener: Deno.Listener): number {
  return (listener.addr as Deno.NetAddr).port;
}
