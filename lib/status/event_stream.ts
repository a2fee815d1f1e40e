/**
 * Server-Sent Events, with bounds.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import { respond } from "../problem.ts";

export interface EventStreamOptions {
  readonly clock: Clock;
  /** How often there is something to say. */
  readonly intervalMs: number;
  /**
   * Says what is new, by `write`; called at the start, at each interval and only when the reader has
   * taken what was said before.
   *
   * @returns Whether it goes on.
   */
  readonly tick: (write: Write) => Promise<boolean> | boolean;
  /** Called once, at the end; until then its socket may hold what was said. */
  readonly onEnd: () => void;
  /** `tick` threw; the end follows. */
  readonly onFailure: (error: unknown) => void;
}

/** Data that is JSON already: what several readers are told is written once. */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Says something to a reader; nothing once that has gone. */
export type Write = (event: string, data: unknown) => void;

/** After that the reader has to ask again. */
const MAX_AGE_MS = 3_600_000;
/** A reader that takes nothing for so long is told nothing more. */
const MAX_SILENCE_MS = 15_000;
/** What is handed to the runtime ahead. */
const AHEAD_BYTES = 64 * 1024;

/**
 * Owns one reader of events. Has a timer for as long as it lives.
 *
 * Always true: it ends once; nothing is added to what its reader has not taken.
 */
export class EventStream {
  readonly #options: EventStreamOptions;
  readonly #encoder = new TextEncoder();
  readonly #startedAt: number;
  #takenAt: number;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #timer: Timer | undefined;
  /** Nothing more is said: it ends when the reader has taken what was said before. */
  #isFinishing = false;
  readonly response: Response;

  constructor(options: EventStreamOptions) {
    this.#options = options;
    this.#startedAt = this.#takenAt = options.clock.now();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => {
        if (this.#isFinishing) this.#finish();
      },
      cancel: () => this.#end(),
    }, new ByteLengthQueuingStrategy({ highWaterMark: AHEAD_BYTES }));
    this.response = respond(body, 200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store, no-transform",
      "x-content-type-options": "nosniff",
      // Otherwise nginx would hold events back.
      "x-accel-buffering": "no",
    });
    this.#run();
  }

  /** Ends it for the reader too, at once. */
  close(): void {
    const controller = this.#controller;
    this.#end();
    try {
      controller?.close();
    } catch {
      // The reader went in this very moment.
    }
  }

  #end(): void {
    if (this.#controller === undefined) return;
    this.#controller = undefined;
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
    this.#options.onEnd();
  }

  /** Ends it when the reader has taken all; one that takes nothing holds its socket, and its place. */
  #finish(): void {
    this.#isFinishing = true;
    if (this.#controller?.desiredSize === AHEAD_BYTES) this.close();
  }

  #run(): void {
    this.#tick().catch((error) => {
      this.#options.onFailure(error);
      this.close();
    });
  }

  async #tick(): Promise<void> {
    const { clock, intervalMs, tick } = this.#options;
    this.#timer = undefined;
    const now = clock.now();
    const hasRoom = (this.#controller?.desiredSize ?? 0) > 0;
    if (hasRoom) this.#takenAt = now;
    if (now - this.#startedAt >= MAX_AGE_MS || now - this.#takenAt >= MAX_SILENCE_MS) {
      return this.#finish();
    }
    if (hasRoom && !await tick((event, data) => this.#write(event, data))) return this.#finish();
    if (this.#controller === undefined) return;
    this.#timer = clock.setTimeout(() => this.#run(), intervalMs);
  }

  #write(event: string, data: unknown): void {
    // JSON has no line ends of its own.
    const json = data instanceof JsonText ? data.text : JSON.stringify(data);
    const text = `event: ${event}\ndata: ${json}\n\n`;
    this.#controller?.enqueue(this.#encoder.encode(text));
  }
}
