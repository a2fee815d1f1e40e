/**
 * Letting go of the upgrade's request.
 *
 * @module
 */

/**
 * Drops what an open WebSocket keeps of the HTTP request that it came from.
 *
 * With an idle time-out the runtime (Deno 2.9.6) listens for the socket's own close, only to clear
 * the time-out's timer, with a closure that holds the request: headers, abort signal and all, some
 * 3 KiB for as long as the client is connected. This removes that listener; the timer is then the
 * caller's to clear, with `clearIdleTimer` at the close event. Where the runtime looks different
 * nothing happens, and nothing is saved.
 *
 * @param socket A socket whose open event has come; not from inside that event's handler, as the
 *   runtime listens only after it.
 * @returns Whether there was anything to drop.
 */
export function forgetRequest(socket: EventTarget): boolean {
  let isFound = false;
  for (const symbol of Object.getOwnPropertySymbols(socket)) {
    const data: unknown = Reflect.get(socket, symbol);
    if (typeof data !== "object" || data === null || !("listeners" in data)) continue;
    const closeListeners: unknown = Reflect.get(Object(data.listeners), "close");
    if (!Array.isArray(closeListeners)) continue;
    for (const { callback } of [...closeListeners]) {
      if (typeof callback === "function" && /^\(\)\s*=>\s*clearTimeout\(/.test(String(callback))) {
        socket.removeEventListener("close", callback);
        isFound = true;
      }
    }
  }
  return isFound;
}

/** Clears the timer of a closed socket's idle time-out. */
export function clearIdleTimer(socket: object): void {
  const symbol = Object.getOwnPropertySymbols(socket)
    .find((each) => each.description === "[[idleTimeoutTimeout]]");
  if (symbol === undefined) return;
  const timer: unknown = Reflect.get(socket, symbol);
  if (timer !== null && timer !== undefined) {
    clearTimeout(timer as Parameters<typeof clearTimeout>[0]);
  }
}
