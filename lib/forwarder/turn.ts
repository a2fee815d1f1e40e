/**
 * How many requests are begun in one turn of the event loop.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { TurnGate } from "../queue/turn_gate.ts";
import { type BackendReply, type Forwarder, isHook } from "./forwarder.ts";

/**
 * The runtime does no more than 128 operations on sockets in one turn. When there are more to be done,
 * turn after turn, it serves some sockets again and again and forgets others for seconds. A message
 * takes four: client read, backend written, backend read, client written.
 */
const MAX_BEGUN = 32;

/** Spreads requests over turns of the event loop, in order; hooks go behind what clients wait for. */
export function paceForwarder(inner: Forwarder, clock: Clock): Forwarder {
  const gate = new TurnGate(MAX_BEGUN, clock);
  return {
    // What begins is a promise anyway.
    forward: (request) =>
      gate.begin(() => inner.forward(request), isHook(request)) as Promise<BackendReply>,
    close: () => inner.close(),
  };
}
