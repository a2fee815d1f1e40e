/**
 * How many requests are begun in one turn of the event loop.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { TurnGate } from "../queue/turn_gate.ts";
import { type BackendReply, isHook } from "./forwarder.ts";
import { type Layer, OuterLayer, type Post } from "./layer.ts";

/**
 * The runtime does no more than 128 operations on sockets in one turn. When there are more to be done,
 * turn after turn, it serves some sockets again and again and forgets others for seconds. A message
 * takes four: client read, backend written, backend read, client written.
 */
const MAX_BEGUN = 24;

const FAILED: BackendReply = { ok: false, fault: "broken" };

/**
 * Spreads requests over turns of the event loop, in order; hooks go behind what clients wait for.
 *
 * A layer inside that throws is a bug, which costs its request and nothing else: here nobody would catch
 * it, and a slot would be gone.
 */
export class Turns extends OuterLayer {
  readonly #gate: TurnGate<Post>;
  readonly #onBug: (error: unknown) => void;

  /** @param onBug Told of a layer inside that threw. */
  constructor(inner: Layer, clock: Clock, onBug: (error: unknown) => void) {
    super(inner);
    this.#onBug = onBug;
    this.#gate = new TurnGate(() => MAX_BEGUN, clock, (post) => this.#begin(post));
  }

  override forward(post: Post): void {
    this.#gate.begin(post, isHook(post));
  }

  #begin(post: Post): void {
    try {
      this.inner.forward(post);
    } catch (error) {
      this.#onBug(error);
      queueMicrotask(() => this.replied(post, FAILED));
    }
  }
}
