/**
 * How many requests are begun in one turn of the event loop.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { BackendReply, BackendRequest, Forwarder } from "./forwarder.ts";

/**
 * The runtime does no more than 128 operations on sockets in one turn. When there are more to be done,
 * turn after turn, it serves some sockets again and again and forgets others for seconds. A message
 * takes four: client read, backend written, backend read, client written.
 */
const MAX_BEGUN = 32;
/** So many are begun before the turn's end is asked for: at low load that costs nothing. */
const UNWATCHED = 16;

/**
 * Spreads requests over turns of the event loop, in order. It makes nothing slower: what is held back
 * is what this thread has no time for.
 */
export function paceForwarder(inner: Forwarder, clock: Clock): Forwarder {
  let held: (() => void)[] = [];
  let begun = 0;

  function nextTurn(): void {
    begun = 0;
    const due = held.slice(0, MAX_BEGUN);
    held = held.slice(MAX_BEGUN);
    for (const begin of due) begin();
  }

  function send(request: BackendRequest): Promise<BackendReply> {
    if (++begun === UNWATCHED) clock.setImmediate(nextTurn);
    return inner.forward(request);
  }

  return {
    forward: (request) =>
      begun < MAX_BEGUN && held.length === 0
        ? send(request)
        : new Promise((resolve) => held.push(() => resolve(send(request)))),
    close: () => inner.close(),
  };
}
