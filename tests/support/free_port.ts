import { closedPort } from "./backend.ts";

/** More programs that take ports than this are not about. */
const MAX_TRIES = 20;

/**
 * Starts what must be told its port before, on one that is free; on another one when some other
 * program was quicker.
 *
 * @param start Gets the port; rejects with `Deno.errors.AddrInUse` when it is taken, and leaves
 *   nothing behind then.
 */
export async function onFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let tries = 1;; tries++) {
    try {
      return await start(closedPort());
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse) || tries === MAX_TRIES) throw error;
    }
  }
}
