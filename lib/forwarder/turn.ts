/**
 * How many requests are begun in one turn of the event loop.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { TurnGate } from "../queue/turn_gate.ts";
import { isHook } from "./forwarder.ts";
import { type Layer, OuterLayer, type Post } from "./layer.ts";

/**
 * The runtime does no more than 128 operations on sockets in one turn. When there are more to be done,
 * turn after turn, it serves some sockets again and again and forgets others for seconds. A message
 * takes four: client read, backend written, backend read, client written.
 */
const MAX_BEGUN = 24;

/** Spreads requests over turns of the event loop, in order; hooks go behind what clients wait for. */
export class Turns extends OuterLayer {
  readonly #gate: TurnGate<Post>;

  constructor(inner: Layer, clock: Clock) {
    super(inner);
    this.#gate = new TurnGate(() => MAX_BEGUN, clock, (post) => inner.forward(post));
  }

  override forward(post: Post): void {
    this.#gate.begin(post, isHook(post));
  }
}
