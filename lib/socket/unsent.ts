/**
 * What waits for a client that reads slowly.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import type { Socket } from "./socket.ts";

/** The part of a WebSocket that sends. */
type Sender = Pick<Socket, "send" | "bufferedAmount">;

/**
 * So much is handed to the runtime ahead; the rest waits here, where it can be dropped. What the
 * runtime holds of a blocked write cannot be taken back, not even by cutting the socket.
 */
const AHEAD_BYTES = 16 * 1024;
/** The runtime does not say when it has written: look this often. */
const LOOK_MS = 10;

/**
 * Frames in the order in which they go out. Made when the runtime has more than enough, dropped when
 * all is handed over.
 */
export class Unsent {
  readonly #sender: Sender;
  readonly #clock: Clock;
  readonly #onEmpty: () => void;
  readonly #texts: string[] = [];
  #chars = 0;
  #timer: Timer | undefined;

  /** @param onEmpty Called once, when all has been handed over: this object is done with then. */
  constructor(sender: Sender, clock: Clock, onEmpty: () => void) {
    this.#sender = sender;
    this.#clock = clock;
    this.#onEmpty = onEmpty;
    this.#look();
  }

  /** Whether a socket takes no more for now. */
  static isNeeded(sender: Sender): boolean {
    return sender.bufferedAmount > AHEAD_BYTES;
  }

  /** What waits here and in the runtime; UTF-16 code units count as bytes. */
  get waiting(): number {
    return this.#chars + this.#sender.bufferedAmount;
  }

  push(text: string): void {
    this.#texts.push(text);
    this.#chars += text.length;
  }

  /** Forgets what waits: the client is closed. */
  drop(): void {
    this.#texts.length = 0;
    this.#chars = 0;
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
  }

  #look(): void {
    this.#timer = this.#clock.setTimeout(() => {
      while (this.#texts.length > 0 && !Unsent.isNeeded(this.#sender)) {
        const text = this.#texts.shift()!;
        this.#chars -= text.length;
        try {
          this.#sender.send(text);
        } catch {
          // The socket broke; its close event drops the rest.
          return;
        }
      }
      if (this.#texts.length === 0) this.#onEmpty();
      else this.#look();
    }, LOOK_MS);
  }
}
