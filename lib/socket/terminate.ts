/**
 * Cutting a socket that does not close by itself.
 *
 * @module
 */

/** The part of the runtime's core that is needed here. */
interface Core {
  tryClose(rid: number): void;
}

/**
 * Cuts a WebSocket's TCP connection at once, and frees what it buffered.
 *
 * `WebSocket.close` only asks: the runtime then waits for the peer's own close frame without a
 * limit, and keeps the socket and up to 64 MiB of an unfinished message, so a peer that stays silent
 * could hold memory for ever. There is no public way to cut it. The runtime's core has one, which
 * this uses where it is found (Deno 2.9.6); `tests/socket/terminate_test.ts` fails when an
 * update takes it away. The close event follows as usual.
 *
 * @returns False when this runtime offers no way: the socket stays until its peer closes it.
 */
export function terminate(socket: object): boolean {
  const core = coreOf(Deno);
  const symbol = Object.getOwnPropertySymbols(socket).find((each) =>
    each.description === "[[rid]]"
  );
  const rid: unknown = symbol === undefined ? undefined : Reflect.get(socket, symbol);
  if (core === undefined || typeof rid !== "number") return false;
  core.tryClose(rid);
  return true;
}

function coreOf(runtime: object): Core | undefined {
  const key: unknown = Reflect.get(runtime, "internal");
  if (typeof key !== "symbol") return undefined;
  const core: unknown = Reflect.get(Object(Reflect.get(runtime, key)), "core");
  return typeof core === "object" && core !== null && "tryClose" in core &&
      typeof core.tryClose === "function"
    ? core as Core
    : undefined;
}
